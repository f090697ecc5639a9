//! Who waits for a model, and the threads that run it.
//!
//! Threads begin when something waits and none is free, and end when nothing has come for a while: a model that nobody uses
//! costs memory only. Whoever stops waiting, since its call took too long, is passed over.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::backend::Network;
use super::batch;
use super::error::RunError;
use super::given::Given;
use super::limits::{MAX_WAITING, WORKER_RESTS};
use super::tensor::Tensor;
use crate::media::Clock;

/// What a run comes to.
pub(super) type Answer = Result<Vec<Tensor>, RunError>;

#[derive(Debug)]
struct Job {
    given: Given,
    reply: oneshot::Sender<Answer>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Threads there are, and those of them that have nothing to do.
    workers: usize,
    idle: usize,
    closed: bool,
}

/// What has become of runs so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) runs: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) busy_micros: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    network: Box<dyn Network>,
    clock: Arc<dyn Clock>,
    most_workers: usize,
    state: Mutex<State>,
    told: Condvar,
    counters: Counters,
}

/// A model and those who wait for it. Dropped, its threads end after what they are at.
#[derive(Debug)]
pub(super) struct Queue(Arc<Shared>);

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.told.notify_all();
    }
}

impl Queue {
    pub(super) fn new(network: Box<dyn Network>, clock: Arc<dyn Clock>, most_workers: usize) -> Self {
        Self(Arc::new(Shared {
            network,
            clock,
            most_workers: most_workers.max(1),
            state: Mutex::default(),
            told: Condvar::new(),
            counters: Counters::default(),
        }))
    }

    pub(super) fn network(&self) -> &dyn Network {
        &*self.0.network
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.0.state().waiting.len()
    }

    /// Takes a place in the queue.
    pub(super) fn submit(&self, given: Given) -> Result<oneshot::Receiver<Answer>, RunError> {
        let mut state = self.0.state();
        if state.waiting.len() >= MAX_WAITING {
            state.waiting.retain(|job| !job.reply.is_closed());
        }
        let waiting = state.waiting.len();
        if waiting >= MAX_WAITING {
            self.0.counters.dropped.fetch_add(1, Ordering::Relaxed);
            return Err(RunError::Busy { waiting });
        }
        let (reply, answer) = oneshot::channel();
        state.waiting.push_back(Job { given, reply });
        if state.idle == 0 && state.workers < self.0.most_workers {
            self.0.begin(&mut state)?;
        }
        drop(state);
        self.0.told.notify_one();
        Ok(answer)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>, state: &mut State) -> Result<(), RunError> {
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("model".into());
        match thread.spawn(move || shared.work()) {
            Ok(_) => state.workers += 1,
            // Those that are there will come to it.
            Err(_) if state.workers > 0 => {}
            Err(error) => {
                state.waiting.clear();
                return Err(RunError::Failed(format!("there is no thread to run it: {error}")));
            }
        }
        Ok(())
    }

    fn work(&self) {
        let mut jobs = Vec::new();
        while self.next(&mut jobs) {
            jobs.retain(|job: &Job| !job.reply.is_closed());
            self.run_all(&mut jobs);
        }
    }

    /// Runs what can be one run as one, and otherwise one by one.
    fn run_all(&self, jobs: &mut Vec<Job>) {
        let ready = jobs.drain(..).map(|job| (job.given.into_tensors(), job.reply));
        let (runs, replies): (Vec<Vec<Tensor>>, Vec<_>) = ready.unzip();
        let together = (runs.len() > 1).then(|| self.run_together(&runs)).flatten();
        let mut answers = together.into_iter().flatten();
        for (inputs, reply) in runs.iter().zip(replies) {
            let answer = answers.next().unwrap_or_else(|| self.run(inputs, 1));
            // Nobody may want it any more.
            let _ = reply.send(answer);
        }
    }

    /// None when that fails: which of them is to blame, each finds out for itself.
    fn run_together(&self, runs: &[Vec<Tensor>]) -> Option<Vec<Answer>> {
        let counts: Option<Vec<u32>> = runs.iter().map(|run| batch::count(run)).collect();
        let answer = self.run(&batch::join(runs)?, runs.len() as u64).ok()?;
        let answers = batch::split(&answer, &counts?)?;
        Some(answers.into_iter().map(Ok).collect())
    }

    /// The next of those who wait, and those behind it that can be run with it; false when this thread is to end, which is
    /// counted already.
    fn next(&self, jobs: &mut Vec<Job>) -> bool {
        let mut state = self.state();
        loop {
            if let Some(first) = state.waiting.pop_front() {
                jobs.push(first);
                self.join(&mut state, jobs);
                return true;
            }
            if state.closed {
                state.workers -= 1;
                return false;
            }
            state.idle += 1;
            let waited = self.told.wait_timeout(state, WORKER_RESTS);
            let (back, end) = waited.unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if end.timed_out() && state.waiting.is_empty() {
                state.workers -= 1;
                return false;
            }
        }
    }

    fn join(&self, state: &mut State, jobs: &mut Vec<Job>) {
        let most = self.network.at_once();
        while jobs.len() < most {
            let (Some(first), Some(next)) = (jobs.first(), state.waiting.front()) else {
                return;
            };
            if !batch::alike(&first.given, &next.given) {
                return;
            }
            jobs.extend(state.waiting.pop_front());
        }
    }

    /// Runs it for so many of those who wait.
    fn run(&self, inputs: &[Tensor], runs: u64) -> Answer {
        let begun = self.clock.monotonic();
        let answer = checked(self.network.run(inputs));
        let took = self.clock.monotonic().saturating_sub(begun).as_micros();
        let counters = &self.counters;
        let counter = if answer.is_ok() {
            &counters.runs
        } else {
            &counters.failed
        };
        counter.fetch_add(runs, Ordering::Relaxed);
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        counters.busy_micros.fetch_add(took, Ordering::Relaxed);
        answer
    }
}

/// Refuses what is no number: a detector that compares with it finds nothing, or everything, and says neither.
pub(super) fn checked(answer: Result<Vec<Tensor>, String>) -> Answer {
    let outputs = answer.map_err(RunError::Failed)?;
    match outputs.iter().find(|output| output.has_nonsense()) {
        Some(output) => Err(RunError::Nonsense {
            output: output.name.clone(),
        }),
        None => Ok(outputs),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::super::tensor::{Port, Values};
    use super::*;
    use crate::media::SystemClock;

    /// Runs only while it is let.
    #[derive(Debug, Default)]
    struct Slow {
        let_run: Arc<(Mutex<usize>, Condvar)>,
        at_once: AtomicUsize,
        most: Arc<AtomicUsize>,
    }

    impl Network for Slow {
        fn inputs(&self) -> &[Port] {
            &[]
        }

        fn outputs(&self) -> &[Port] {
            &[]
        }

        fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let (let_run, told) = &*self.let_run;
            let mut let_run = told
                .wait_while(let_run.lock().unwrap(), |left| *left == 0)
                .unwrap();
            *let_run -= 1;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Ok(inputs.to_vec())
        }
    }

    fn number(number: f32) -> Vec<Tensor> {
        vec![Tensor::new("x".into(), vec![1], Values::Float32(vec![number])).unwrap()]
    }

    fn allow(let_run: &(Mutex<usize>, Condvar), runs: usize) {
        *let_run.0.lock().unwrap() += runs;
        let_run.1.notify_all();
    }

    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn many_wait_but_not_without_end_and_each_gets_its_own_answer() {
        let slow = Slow::default();
        let (let_run, most) = (Arc::clone(&slow.let_run), Arc::clone(&slow.most));
        let queue = Queue::new(Box::new(slow), Arc::new(SystemClock::new()), 2);
        let mut answers = Vec::new();
        let refused = loop {
            match queue.submit(number(answers.len() as f32).into()) {
                Ok(answer) => answers.push(answer),
                Err(error) => break error,
            }
            assert!(answers.len() <= MAX_WAITING + 2, "no bound");
        };
        assert!(matches!(refused, RunError::Busy { .. }), "{refused}");
        assert!(answers.len() >= MAX_WAITING);
        allow(&let_run, answers.len());
        for (n, answer) in answers.into_iter().enumerate() {
            let answer = tokio::time::timeout(SOON, answer).await.unwrap().unwrap();
            assert_eq!(answer, Ok(number(n as f32)));
        }
        assert!(
            (1..=2).contains(&most.load(Ordering::SeqCst)),
            "two threads at most"
        );
        assert_eq!(queue.counters().dropped.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn who_no_longer_waits_is_passed_over() {
        let slow = Slow::default();
        let let_run = Arc::clone(&slow.let_run);
        let queue = Queue::new(Box::new(slow), Arc::new(SystemClock::new()), 1);
        let first = queue.submit(number(0.0).into()).unwrap();
        for _ in 0..10 {
            drop(queue.submit(number(1.0).into()).unwrap());
        }
        let last = queue.submit(number(2.0).into()).unwrap();
        // The first may have been begun; of the others only the last is run.
        allow(&let_run, 2);
        assert_eq!(
            tokio::time::timeout(SOON, first).await.unwrap().unwrap(),
            Ok(number(0.0))
        );
        assert_eq!(
            tokio::time::timeout(SOON, last).await.unwrap().unwrap(),
            Ok(number(2.0))
        );
        assert_eq!(queue.counters().runs.load(Ordering::Relaxed), 2);
    }

    /// Adds one to each number, and takes several runs at once.
    #[derive(Debug, Default)]
    struct Together {
        slow: Slow,
        sizes: Arc<Mutex<Vec<u32>>>,
    }

    impl Network for Together {
        fn inputs(&self) -> &[Port] {
            &[]
        }

        fn outputs(&self) -> &[Port] {
            &[]
        }

        fn at_once(&self) -> usize {
            4
        }

        fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
            self.sizes.lock().unwrap().push(inputs[0].shape[0]);
            let mut outputs = self.slow.run(inputs)?;
            if let Values::Float32(values) = &mut outputs[0].values {
                values.iter_mut().for_each(|value| *value += 1.0);
            }
            Ok(outputs)
        }
    }

    #[tokio::test]
    async fn those_who_wait_together_are_run_together_and_each_gets_its_own() {
        let together = Together::default();
        let (let_run, sizes) = (Arc::clone(&together.slow.let_run), Arc::clone(&together.sizes));
        let queue = Queue::new(Box::new(together), Arc::new(SystemClock::new()), 1);
        let answers: Vec<_> = (0..10)
            .map(|n| queue.submit(number(n as f32).into()).unwrap())
            .collect();
        allow(&let_run, 10);
        for (n, answer) in answers.into_iter().enumerate() {
            let answer = tokio::time::timeout(SOON, answer).await.unwrap().unwrap();
            assert_eq!(answer, Ok(number(n as f32 + 1.0)));
        }
        let sizes = sizes.lock().unwrap().clone();
        assert_eq!(sizes.iter().sum::<u32>(), 10);
        assert!(
            sizes.len() < 10 && sizes.iter().all(|size| *size <= 4),
            "{sizes:?}"
        );
        assert_eq!(queue.counters().runs.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(checked(Ok(number(1.0))).is_ok());
        let error = checked(Ok(number(f32::NAN))).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("the output `x` of the model has numbers"),
            "{error}"
        );
    }
}
