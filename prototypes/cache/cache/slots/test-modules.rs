
mod cache;
