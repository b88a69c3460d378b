if let Some(marks) = &self.marks {
    marks.end(session).await;
}
