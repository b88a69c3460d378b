pub mod decimals;
