//! A plan told to a person who wants to learn what a container is made of: each step, in its order, and why it is
//! there. Nothing is done here, and nothing is made; what a step is called is what the log calls it.

mod birth;
mod command;
mod prepared;

pub use super::text::telling::Start;

use super::text::explain_step;
use super::text::page::Page;
use super::{InitPlan, Step};

/// The whole story.
#[cold]
#[inline(never)]
pub fn explain(plan: &InitPlan, start: &Start<'_>) -> String {
    let mut page = Page::default();
    page.plain(
        "Nothing is run and nothing is made: this is what would be done, in this order, and why.",
    );
    prepared::prepared(&mut page, plan, start);
    birth::cloned(&mut page, plan, start);
    steps(
        &mut page,
        "The new process, before anything else:",
        &plan.birth,
        start,
    );
    birth::executed_anew(&mut page, start);
    let title = "The container, made once by its first process:";
    steps(&mut page, title, &plan.container, start);
    birth::reaper(&mut page, plan.reaper);
    let title = "The process that becomes the command:";
    steps(&mut page, title, &plan.process, start);
    command::execve(&mut page, &plan.command);
    command::monitored(&mut page, plan, start);
    page.finish()
}

fn steps(page: &mut Page, title: &str, steps: &[Step], start: &Start<'_>) {
    if steps.is_empty() {
        return;
    }
    page.section(title);
    for step in steps {
        explain_step(step, page, start);
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::samples::assert_told_apart;
    use super::*;

    /// No step is explained by another's words, and none is left without.
    #[test]
    fn every_step_has_its_reason() {
        let spec = crate::spec::tests::spec_of_true();
        let start = Start {
            namespaces: spec.namespaces.anew(),
            spec: &spec,
            cgroups: &[],
            in_sealed_copy: false,
            kernel: (6, 1),
        };
        assert_told_apart(|step| {
            let mut page = Page::default();
            explain_step(step, &mut page, &start);
            let text = page.finish();
            // Without the name, which is another's already.
            let (_, text) = text.split_once('\n').unwrap();
            assert!(
                text.len() > 40 && text.starts_with("     "),
                "{step:?}: {text}"
            );
            text.to_owned()
        });
    }
}
