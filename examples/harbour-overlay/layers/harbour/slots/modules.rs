pub mod harbour;
