//! The functions that may be called.
