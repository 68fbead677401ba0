//! Threads whose own lateness would be taken for that of the link.

/// Lets the calling thread go before ordinary ones, where this user may: on a busy machine it would be milliseconds late otherwise.
/// It sleeps nearly all the time, so nobody goes without.
pub(super) fn be_urgent() {
    // Without the right to it (`CAP_SYS_NICE` outside any user namespace), it is as late as everybody.
    let _ = rustix::process::setpriority_process(None, -15);
}
