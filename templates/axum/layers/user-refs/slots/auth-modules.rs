pub mod user_refs;
