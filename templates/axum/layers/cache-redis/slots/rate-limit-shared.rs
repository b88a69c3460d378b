if let Some(shared) = &self.shared
    && let Some(decision) = shared.take(client).await
{
    return decision;
}
