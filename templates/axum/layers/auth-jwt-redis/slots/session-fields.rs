pub(super) marks: Option<super::marks::Marks>,
