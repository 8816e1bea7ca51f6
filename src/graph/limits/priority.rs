//! The priorities of reads.

/// How urgent a read is; the first is the most urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A reset waits for it, with a deadline: it is sent at once, in a call of its own.
    Reset,
    /// It continues a look-up: otherwise many would be begun, and none be finished.
    Begun,
    /// It begins to find out whether and what a reset will be.
    LookUp,
    /// A reset that was sent is followed.
    Follow,
}

impl Priority {
    /// That of the reads that come after one of this.
    pub(in crate::graph) fn of_next_read(self) -> Self {
        if self == Self::LookUp { Self::Begun } else { self }
    }
}
