//! Memory between the phases of a run.

/// Gives freed memory back to the system.
///
/// Reading a large console takes many small allocations, to know who was seen already. The C library keeps
/// what is freed of them, and what planning needs would come on top of it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library has no other way to be asked")]
pub fn give_back() {
    // SAFETY: the call takes no pointer and may be made at any time, by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators give memory back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
