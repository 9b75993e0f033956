//! Starting processes that cannot outlive this one, even when it is killed with SIGKILL.
//!
//! Linux signals a child when the *thread* that spawned it ends, so all spawning happens on one thread that lives as long
//! as the process. Each child leads its own process group: Ctrl-C at a terminal reaches us, and we end the children in
//! their order.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::{OnceLock, mpsc},
    thread,
};

/// A signal number as `kill` takes it.
pub(crate) type Signal = libc::c_int;

struct Request {
    command: Command,
    death_signal: Signal,
    reply: mpsc::Sender<io::Result<Child>>,
}

/// Starts `command`; the kernel sends it `death_signal` when this process dies.
///
/// # Errors
/// When the program cannot be executed.
pub(crate) fn spawn(command: Command, death_signal: Signal) -> io::Result<Child> {
    let (reply, answer) = mpsc::channel();
    let gone = || io::Error::other("the spawning thread has ended");
    spawner().send(Request { command, death_signal, reply }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

/// Sends a signal to every process of the group that a child of [`spawn`] leads; an ended group is no error.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    let Ok(group) = libc::pid_t::try_from(leader) else { return };
    #[expect(unsafe_code, reason = "killpg takes two integers and touches no memory of ours")]
    unsafe {
        libc::killpg(group, signal);
    }
}

fn spawner() -> &'static mpsc::Sender<Request> {
    static SPAWNER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    SPAWNER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for Request { mut command, death_signal, reply } in requests {
                die_with_parent(&mut command, death_signal);
                // A requester that has gone away drops the answer; the child then dies with us.
                let _ = reply.send(command.process_group(0).spawn());
            }
        });
        sender
    })
}

fn die_with_parent(command: &mut Command, death_signal: Signal) {
    let parent = std::process::id();
    let in_child = move || {
        #[expect(unsafe_code, reason = "prctl and getppid are async-signal-safe and take no pointers here")]
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, death_signal) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before prctl took effect.
            if libc::getppid().cast_unsigned() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
        }
        Ok(())
    };
    #[expect(unsafe_code, reason = "the closure makes two system calls and allocates nothing")]
    unsafe {
        // Runs after the change of user that a command may ask for, which would clear the setting.
        command.pre_exec(in_child);
    }
}

/// Lets `command` outlive the terminal and the process that start it.
pub(crate) fn detach(command: &mut Command) {
    let in_child = || {
        #[expect(unsafe_code, reason = "setsid is async-signal-safe and takes nothing")]
        match unsafe { libc::setsid() } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    #[expect(unsafe_code, reason = "the closure makes one system call and allocates nothing")]
    unsafe {
        command.pre_exec(in_child);
    }
}
