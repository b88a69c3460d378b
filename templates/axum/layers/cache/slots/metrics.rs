describe_counter!("cache_reads_total", "Reads, by outcome: hit, absent, miss or garbage");
describe_histogram!(
    "cache_load_duration_seconds",
    Unit::Seconds,
    "Duration of a load"
);
