describe_gauge!("redis_up", "0 while the circuit breaker of Redis is open, else 1");
describe_counter!("redis_errors_total", "Calls that Redis did not answer");
counter!("redis_errors_total").absolute(0);
describe_counter!("rate_limit_fallbacks_total", "Requests counted by this process alone");
counter!("rate_limit_fallbacks_total").absolute(0);
describe_counter!("cache_unanswered_total", "Reads that Redis did not answer; misses, too");
