//! From the plan of a container to that of a box: what a job brings is left out, and what is left waits for one.

use crate::plan::{Gate, InitPlan, Step};
use crate::sys::seccomp::Instruction;
use std::borrow::Cow;

/// What follows 0, 1 and 2.
const FIRST_PRIVATE: u32 = 3;

/// When the filter of a box is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterLoads {
    /// When the box is made: it is mydocker's own, and allows what the box does when it gets a job.
    Before,
    /// When it has its job: it is someone else's, and may allow nothing but the command's own calls.
    After,
}

/// Makes `plan` a box's. Returns the filter that it has to load when it has its job, as the last thing.
pub fn into_box(plan: &mut InitPlan, loads: FilterLoads) -> Option<Cow<'static, [Instruction]>> {
    let mut filter = None;
    let steps = std::mem::take(&mut plan.process);
    let steps = steps.into_iter().filter_map(|step| match step {
        // The box's own socket and line are needed until then, and nothing else of the pool's.
        Step::CloseDescriptors => Some(Step::CloseDescriptorsFrom(FIRST_PRIVATE)),
        Step::WorkingDirectory(_) => None,
        Step::Filter(instructions) if loads == FilterLoads::After => {
            filter = Some(instructions);
            None
        }
        step => Some(step),
    });
    plan.process = steps.chain([Step::Await(Gate::Job)]).collect();
    filter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ExecPlan;
    use crate::sys::process::StringArray;

    fn plan(process: Vec<Step>) -> InitPlan {
        InitPlan {
            forerunner: vec![],
            birth: vec![],
            container: vec![],
            reaper: None,
            enters: false,
            process,
            command: ExecPlan {
                searched: false,
                candidates: vec![],
                arguments: StringArray::new(vec![]),
                environment: StringArray::new(vec![]),
            },
            premounted: 0,
            timed: false,
            tells_status: false,
        }
    }

    #[test]
    fn a_box_waits_last_of_all_and_brings_nothing_of_a_job() {
        let mut plan = plan(vec![
            Step::NewSession,
            Step::CloseDescriptors,
            Step::WorkingDirectory(c"/tmp".into()),
            Step::NoNewPrivileges,
            Step::Filter(Cow::Borrowed(&[])),
        ]);
        assert_eq!(into_box(&mut plan, FilterLoads::Before), None);
        let expected = [
            Step::NewSession,
            Step::CloseDescriptorsFrom(3),
            Step::NoNewPrivileges,
            Step::Filter(Cow::Borrowed(&[])),
            Step::Await(Gate::Job),
        ];
        assert_eq!(plan.process, expected);
    }

    #[test]
    fn a_filter_of_ones_own_is_loaded_by_hand() {
        let filter = || Cow::Owned(vec![]);
        let mut plan = plan(vec![Step::NoNewPrivileges, Step::Filter(filter())]);
        assert_eq!(into_box(&mut plan, FilterLoads::After), Some(filter()));
        assert_eq!(
            plan.process,
            [Step::NoNewPrivileges, Step::Await(Gate::Job)]
        );
    }
}
