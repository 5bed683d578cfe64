//! oomnitza
