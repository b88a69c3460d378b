//! Any `.new-service/lock`: each fault names its line; what is read and printed is read the same, and holds
//! nothing that a terminal obeys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use new_service::evolve::record::{Lock, Read, read};
use new_service::pack::check_plain;
use new_service_fuzz::{lie_inside, text};

fuzz_target!(|data: &[u8]| {
    let Some(text) = text(".new-service/lock", data) else { return };
    match read(&text.content) {
        Ok(Read::Whole(lock)) => again(&lock),
        Ok(Read::InConflict) => {}
        Err(faults) => lie_inside(&faults, &text),
    }
});

fn again(lock: &Lock) {
    let printed = lock.print();
    printed.split_terminator('\n').for_each(|line| check_plain(line).unwrap_or_else(|why| panic!("{why}: {line:?}")));
    let read = Lock::parse(&printed).unwrap_or_else(|faults| panic!("{faults}\n{printed}"));
    assert_eq!(read, *lock, "\n{printed}");
    assert_eq!(read.print(), printed);
}
