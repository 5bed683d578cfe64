//! Memory between the phases of a run, and between runs.

/// Makes all threads share one heap, before there are others than the first.
///
/// The C library gives threads that allocate at once heaps of their own, and each keeps what lies between the pieces
/// still in use. A daemon's loads are on other threads each time: after four of 100,000 users it held 35 MB instead of 23.
/// Sharing costs a load some hundredths of its time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library has no other way to be told")]
pub fn share_one_heap() {
    // SAFETY: the call takes two numbers; where it refuses them, nothing changes.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Other allocators have their own ways.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_one_heap() {}

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
