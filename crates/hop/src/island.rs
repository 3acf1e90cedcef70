//! What belongs to one thread at a time, and moves between threads as a whole.

/// A value with all that it shares with nobody else: a reactor, its tasks and their sockets, which hold each
/// other by `Rc`. Whoever has the island alone may go there, in whatever thread.
///
/// It is made by a function that could run in any thread and is looked at by functions that take nothing in
/// or out but what may cross threads, so that no `Rc` of it is ever left behind in another thread.
#[derive(Debug)]
pub struct Island<T>(T);

#[allow(unsafe_code)]
// SAFETY: all references to what is inside are inside (see above), so that moving it moves every one of them;
// `&Island` gives access to nobody, since it is not `Sync`.
unsafe impl<T> Send for Island<T> {}

impl<T> Island<T> {
    /// A new one.
    pub fn new<E: Send>(make: impl FnOnce() -> Result<T, E> + Send) -> Result<Self, E> {
        make().map(Self)
    }

    /// Goes there.
    pub fn visit<R: Send>(&mut self, look: impl FnOnce(&T) -> R + Send) -> R {
        look(&self.0)
    }
}
