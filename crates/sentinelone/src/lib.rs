//! sentinelone
