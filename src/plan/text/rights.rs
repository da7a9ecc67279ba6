//! What the command may do: its capabilities, and who may look into its process.

use super::bits;
use super::telling::{Blank, Told};
use crate::hint::Doing;
use crate::sys::capability::{CapabilitySet, SETPCAP};

impl<'p> Blank<'p> {
    pub fn keep_capabilities(self) -> Told<'p> {
        self.says("keep", b"capabilities across execve").why(
            "A re-exec comes before the mounts, and execve leaves only the user 0 its capabilities: ambient ones \
             stay. capabilities(7)",
        )
    }

    pub fn not_dumpable(self) -> Told<'p> {
        self.says("prctl", b"PR_SET_DUMPABLE").why(
            "With fewer rights than mydocker has, but, as the case may be, still in mydocker's memory: others who have \
             no more rights than that could open it (/proc/PID/mem) and so write to mydocker. execve takes it back for \
             the command. PR_SET_DUMPABLE(2const)",
        )
    }

    pub fn bounding_set(self, kept: CapabilitySet) -> Told<'p> {
        self.says("take capabilities out of", b"the bounding set")
            .hint(Doing::Bound)
            .takes(SETPCAP)
            .why(
                "The root's rights in parts, capabilities(7): what is not in this set no process of the container can \
                 ever get, by no program. While we may: taking out takes CAP_SETPCAP.",
            )
            .on_page(|page, _| page.item("left", &bits::capabilities(kept)))
    }

    pub fn keep_capabilities_of_user(self) -> Told<'p> {
        self.says("prctl", b"PR_SET_KEEPCAPS").why(
            "Or the change from root to another user would empty the set that the command's are to be taken from. \
             prctl(2), capabilities(7)",
        )
    }

    pub fn capabilities(
        self,
        held: CapabilitySet,
        required: CapabilitySet,
        ambient: bool,
    ) -> Told<'p> {
        self.says("set", b"the command's capabilities")
            .hint(Doing::SetCapabilities)
            .why(
                "What the command begins with, as far as the caller has it. Nothing below needs one, and what the set-up \
                 needed goes here. capset(2), capabilities(7)",
            )
            .on_page(|page, _| {
                page.item("permitted and effective", &bits::capabilities(held));
                if required != CapabilitySet::NONE {
                    page.item("an error without", &bits::capabilities(required));
                }
                if ambient && held != CapabilitySet::NONE {
                    page.why(
                        "They are ambient as well: another user than 0 loses all others at execve.",
                    );
                }
            })
    }

    pub fn no_new_privileges(self) -> Told<'p> {
        self.says("prctl", b"PR_SET_NO_NEW_PRIVS").why(
            "execve gives no more rights from here on: a set-user-ID program would run with the rights of the \
             file's owner, root's often. It also lets the filter be loaded without CAP_SYS_ADMIN. \
             prctl(2)",
        )
    }
}
