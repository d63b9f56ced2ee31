// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds, on a kernel's console, the lines that say that the kernel is in trouble.

/// Trouble wherever it stands in a line.
const ANYWHERE: &[&str] = &[
    "BUG: ",              // also "watchdog: BUG: soft lockup", KASAN and KFENCE reports, sleeping in atomic context
    "kernel BUG at",      //
    "Oops: ",             //
    "Kernel panic",       //
    "general protection", //
    "unable to handle",   //
    "Call Trace:",        // whoever prints a stack has something to complain about
    "KASAN: ",
    "KCSAN: ",
    "UBSAN: ",
    "DEBUG_LOCKS_WARN_ON",
    "refcount_t: ",
    "list_add corruption",
    "list_del corruption",
    "self-detected stall",
    "detected stalls on CPUs",
    "detected expedited stalls",
    "new suspected memory leaks",
    "ODEBUG: ",
    // A checker that gives up finds nothing any more.
    "kmemleak: Kernel memory leak detector disabled",
    "kmemleak: Memory pool empty",
    "INFO: lockdep is turned off",
    "INFO: trying to register non-static key",
];

/// Trouble at the start of a message: drivers use the same words inside theirs.
const AT_START: &[&str] = &["WARNING: ", "INFO: task ", "INFO: possible recursive locking", "INFO: rcu"];

/// How reports begin that are not about what is tested, with the reason why each may be there. What is not in this list
/// fails the guest, whoever is to blame.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "fault_test: vmalloc error: size ",
        "fault_test makes the allocation of a buffer fail, and the kernel tells of that as of any other that fails",
    ),
    (
        "memory_test invoked oom-killer: ",
        "memory_test takes more memory than its control group may have, and the kernel tells whom it kills for that",
    ),
];

/// How many lines after such a beginning its "Call Trace:" may stand.
const HEAD: usize = 4;

/// The message without the `[    1.234567]` and, with `CONFIG_PRINTK_CALLER`, the `[    T1]` in front.
fn message(line: &str) -> &str {
    let mut rest = line.trim();
    while let Some((stamp, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if !stamp.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == 'T' || c == 'C') {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

/// The first line that tells of trouble, if any, and is not [`EXPLAINED`].
#[must_use]
pub fn find(console: &str) -> Option<&str> {
    // How many lines more belong to the head of an explained report.
    let mut head = 0_usize;
    console.lines().find(|line| {
        let message = message(line);
        head = head.saturating_sub(1);
        if EXPLAINED.iter().any(|(start, _)| message.starts_with(start)) {
            head = HEAD + 1;
            return false;
        }
        if head > 0 && message == "Call Trace:" {
            head = 0;
            return false;
        }
        ANYWHERE.iter().any(|sign| message.contains(sign)) || AT_START.iter().any(|sign| message.starts_with(sign))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble() {
        for line in [
            "[    1.234567] WARNING: CPU: 0 PID: 1 at kernel/kallsyms.c:99 f+0x1/0x2",
            "[    1.234567][    T1] WARNING: possible circular locking dependency detected",
            "[    1.234567] BUG: kernel NULL pointer dereference, address: 0000000000000000",
            "[    1.234567] BUG: KASAN: slab-out-of-bounds in f+0x1/0x2",
            "[    1.234567] BUG: sleeping function called from invalid context at mm/util.c:1",
            "[    1.234567] kernel BUG at lib/string_helpers.c:1040!",
            "[    1.234567] Oops: Oops: 0002 [#1] PREEMPT SMP",
            "[    1.234567] Kernel panic - not syncing: sysrq triggered crash",
            "[    1.234567] Oops: general protection fault, probably for non-canonical address",
            "[    1.234567]  Call Trace:\r",
            "[    1.234567] rcu: INFO: rcu_preempt self-detected stall on CPU",
            "[    1.234567] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
            "[    1.234567] INFO: task kworker/0:1:9 blocked for more than 120 seconds.",
            "[    1.234567] watchdog: BUG: soft lockup - CPU#0 stuck for 26s!",
            "[    1.234567] UBSAN: array-index-out-of-bounds in kernel/x.c:1:2",
            "[    1.234567] refcount_t: underflow; use-after-free.",
            "[    1.234567] WARNING: suspicious RCU usage",
            "[    1.234567] [ BUG: Invalid wait context ]",
            "[    1.234567] BUG: KCSAN: data-race in f / g",
            "[    1.234567] INFO: trying to register non-static key.",
            "[    1.234567] kmemleak: Kernel memory leak detector disabled",
            "[    1.234567] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
            "BUG: without a time stamp",
        ] {
            let console = format!("[    0.000000] Linux version 6.12\n{line}\n[    2.000000] more\n");
            assert_eq!(find(&console), Some(line.trim_end_matches('\r')), "{line}");
        }
    }

    #[test]
    fn no_trouble() {
        let console = "\
[    0.000000] Linux version 6.12.117-kallmodsyms
[    0.000000] Command line: console=ttyS0 oops=panic panic=-1 kms.mode=panic
[    0.100000] debug: WARNING: a driver's own words
[    0.100000] kasan: KernelAddressSanitizer initialized
[    0.100000] rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.
[    0.100000] ok 1 debugging
[    0.100000] clocksource: Call Tracer is not a trace
";
        assert_eq!(find(console), None);
    }

    #[test]
    fn an_explained_report_is_no_trouble_and_the_next_one_is() {
        let explained = "\
[    1.000000] fault_test: vmalloc error: size 65536, failed to allocate pages, mode:0xcc2
[    1.000000] CPU: 0 UID: 0 PID: 216 Comm: fault_test Not tainted 6.12.117-faults #1
[    1.000000] Call Trace:
[    1.000000]  <TASK>
";
        assert_eq!(find(explained), None);
        let other = "[    1.000000] Call Trace:";
        assert_eq!(find(&format!("{explained}{other}\n")), Some(other), "one stack, not two");
        let far = explained.replace("Comm: ", "\n\n\n\n\n");
        assert_eq!(find(&far), Some(other), "a stack of something else");
        let bug = "[    1.000000] BUG: sleeping function called from invalid context";
        assert_eq!(find(&explained.replace("[    1.000000] CPU: 0", bug)).map(|l| l.starts_with(bug)), Some(true));
        assert_eq!(find(&explained.replace("fault_test:", "cat:")), Some(other));
    }
}
