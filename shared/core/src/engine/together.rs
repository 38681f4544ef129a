//! Independent steps at the same time.

use std::future::Future;

use futures::future::{join, join_all, join3, join4, join5};

use super::run::Stop;

/// Runs independent steps at the same time. Nothing is dropped in flight: a started step ends and is journaled even if
/// another fails, and what comes of all of them is reported by the run.
pub trait Together {
    /// What all give, if all succeed.
    type Output;

    /// Waits for all.
    fn together(self) -> impl Future<Output = Result<Self::Output, Stop>> + Send;
}

type Step<T> = Result<T, Stop>;

impl<A, B, T, U> Together for (A, B)
where
    A: Future<Output = Step<T>> + Send,
    B: Future<Output = Step<U>> + Send,
    T: Send,
    U: Send,
{
    type Output = (T, U);

    async fn together(self) -> Step<(T, U)> {
        let (a, b) = join(self.0, self.1).await;
        match (a, b) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (a, b) => Err(worst([a.err(), b.err()])),
        }
    }
}

impl<A, B, C, T, U, V> Together for (A, B, C)
where
    A: Future<Output = Step<T>> + Send,
    B: Future<Output = Step<U>> + Send,
    C: Future<Output = Step<V>> + Send,
    T: Send,
    U: Send,
    V: Send,
{
    type Output = (T, U, V);

    async fn together(self) -> Step<(T, U, V)> {
        let (a, b, c) = join3(self.0, self.1, self.2).await;
        match (a, b, c) {
            (Ok(a), Ok(b), Ok(c)) => Ok((a, b, c)),
            (a, b, c) => Err(worst([a.err(), b.err(), c.err()])),
        }
    }
}

impl<A, B, C, D, T, U, V, W> Together for (A, B, C, D)
where
    A: Future<Output = Step<T>> + Send,
    B: Future<Output = Step<U>> + Send,
    C: Future<Output = Step<V>> + Send,
    D: Future<Output = Step<W>> + Send,
    T: Send,
    U: Send,
    V: Send,
    W: Send,
{
    type Output = (T, U, V, W);

    async fn together(self) -> Step<(T, U, V, W)> {
        let (a, b, c, d) = join4(self.0, self.1, self.2, self.3).await;
        match (a, b, c, d) {
            (Ok(a), Ok(b), Ok(c), Ok(d)) => Ok((a, b, c, d)),
            (a, b, c, d) => Err(worst([a.err(), b.err(), c.err(), d.err()])),
        }
    }
}

impl<A, B, C, D, E, T, U, V, W, X> Together for (A, B, C, D, E)
where
    A: Future<Output = Step<T>> + Send,
    B: Future<Output = Step<U>> + Send,
    C: Future<Output = Step<V>> + Send,
    D: Future<Output = Step<W>> + Send,
    E: Future<Output = Step<X>> + Send,
    T: Send,
    U: Send,
    V: Send,
    W: Send,
    X: Send,
{
    type Output = (T, U, V, W, X);

    async fn together(self) -> Step<(T, U, V, W, X)> {
        let (a, b, c, d, e) = join5(self.0, self.1, self.2, self.3, self.4).await;
        match (a, b, c, d, e) {
            (Ok(a), Ok(b), Ok(c), Ok(d), Ok(e)) => Ok((a, b, c, d, e)),
            (a, b, c, d, e) => Err(worst([a.err(), b.err(), c.err(), d.err(), e.err()])),
        }
    }
}

/// Several steps of one kind.
impl<F, T> Together for Vec<F>
where
    F: Future<Output = Step<T>> + Send,
    T: Send,
{
    type Output = Vec<T>;

    async fn together(self) -> Step<Vec<T>> {
        let settled = join_all(self).await;
        let mut worst_stop = None;
        let mut values = Vec::with_capacity(settled.len());
        for result in settled {
            match result {
                Ok(value) => values.push(value),
                Err(stop) => worst_stop = worst_stop.max(Some(stop)),
            }
        }
        worst_stop.map_or(Ok(values), Err)
    }
}

fn worst<const N: usize>(stops: [Option<Stop>; N]) -> Stop {
    stops.into_iter().flatten().max().unwrap_or(Stop::Halted)
}
