//! The async runtime of a command: begun, waited for, and left without waiting
//! for threads that hang in the system.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Problem, Problems};

/// How long what blocks a thread (a file that is being written) may take to end once the command is done. A name that
/// no DNS server answers for would take half a minute.
const LEAVE: Duration = Duration::from_millis(500);

/// Runs a command to its end. What it left on threads that block is waited for briefly, and not at all after that.
///
/// # Errors
/// When the system gives no threads, and those of the command.
pub fn to_end<T>(command: impl Future<Output = Result<T, Problems>>) -> Result<T, Problems> {
    let runtime = runtime()?;
    let handle = runtime.handle().clone();
    let _leaving = Leaving(Some(runtime));
    handle.block_on(command)
}

/// Two threads are enough for what waits on sockets most of the time.
fn runtime() -> Result<Runtime, Problem> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Problem::failed("The async runtime could not be started.").because(error))
}

/// A runtime that is left in time whatever ends the command, a panic too.
struct Leaving(Option<Runtime>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(LEAVE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;

    use super::*;

    /// Blocks a thread of the runtime until the sender is dropped, and returns once it does.
    async fn block(answer: mpsc::Receiver<()>) {
        let (begun, begins) = tokio::sync::oneshot::channel();
        tokio::task::spawn_blocking(move || {
            begun.send(()).unwrap();
            let _ = answer.recv();
        });
        begins.await.unwrap();
    }

    #[test]
    fn a_thread_that_hangs_holds_nobody_back() {
        let (never, answer) = mpsc::channel();
        let result = to_end(async {
            block(answer).await;
            Ok(7)
        });
        assert_eq!(result.unwrap(), 7);
        never.send(()).expect("it still hangs: nobody waited for its end");
    }

    #[test]
    fn not_even_after_a_panic() {
        let (never, answer) = mpsc::channel();
        let result = catch_unwind(AssertUnwindSafe(|| {
            to_end::<()>(async {
                block(answer).await;
                panic!("the command is broken");
            })
        }));
        assert!(result.is_err());
        never.send(()).expect("it still hangs: nobody waited for its end");
    }
}
