if let Some(marks) = &self.marks {
    return marks.has_ended(session, || repo::has_ended(&self.pool, session)).await;
}
