//! Services that are made of parts of the state.

/// Let handlers extract a service that is made of parts of the state.
macro_rules! from_parts {
    ($service:ty { $($field:ident: $part:ty),+ }) => {
        impl<S> axum::extract::FromRef<S> for $service
        where
            $($part: axum::extract::FromRef<S>),+
        {
            fn from_ref(state: &S) -> Self {
                Self { $($field: axum::extract::FromRef::from_ref(state)),+ }
            }
        }
    };
}

pub(crate) use from_parts;
