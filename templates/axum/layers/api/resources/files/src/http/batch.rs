//! Batches: up to 100 items that are created or updated together, all or none.

use std::{borrow::Cow, collections::HashMap};

use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        schema::AdditionalProperties,
    },
};
use uuid::Uuid;

use super::{
    extract::{self, Object},
    problem::Problem,
    rules,
};
use crate::error::{Error, FaultCode, FieldFault};

/// Bytes of the changes of a batch, over all of its resources.
const MAX_BYTES: usize = 1 << 20;

const UUID: SchemaFormat = SchemaFormat::KnownFormat(KnownFormat::Uuid);

/// Items that were created or updated together, in the order of the request.
#[derive(Serialize)]
pub struct Batch<T> {
    /// The items.
    pub items: Vec<T>,
}

/// Items to create together.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub struct NewBatch<T: Validate<Context = ()>> {
    /// 1 to 100 items.
    #[garde(length(min = 1, max = 100), dive)]
    #[serde(deserialize_with = "objects")]
    pub items: Vec<T>,
}

/// One set of changes for several resources.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields, bound(deserialize = "P: Deserialize<'de>"))]
pub struct PatchBatch<P: Validate<Context = ()>> {
    /// 1 to 100 IDs of the resources to change.
    #[garde(length(min = 1, max = 100), custom(rules::distinct))]
    pub ids: Vec<Uuid>,
    /// The changes to each of them.
    #[garde(dive)]
    #[serde(deserialize_with = "object")]
    pub changes: P,
}

fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(items: D) -> Result<Vec<T>, D::Error> {
    let items = Vec::<Object<T>>::deserialize(items)?;
    Ok(items.into_iter().map(|Object(item)| item).collect())
}

fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<T, D::Error> {
    Object::deserialize(value).map(|Object(value)| value)
}

impl<T> Batch<T> {
    /// The batch of these rows.
    pub fn from<R: Into<T>>(rows: Vec<R>) -> Self {
        Self { items: rows.into_iter().map(Into::into).collect() }
    }

    /// The batch of these rows, in which the updated rows replace their old versions.
    pub fn of<R: Into<T>>(rows: Vec<R>, updated: Vec<R>, id: impl Fn(&R) -> Uuid) -> Self {
        let mut updated: HashMap<_, _> = updated.into_iter().map(|row| (id(&row), row)).collect();
        Self::from(rows.into_iter().map(|row| updated.remove(&id(&row)).unwrap_or(row)).collect())
    }
}

impl<P: Validate<Context = ()>> PatchBatch<P> {
    /// The rows in the order of `ids`.
    ///
    /// # Errors
    /// No row has one of the ids; each such id is named.
    pub fn arrange<T>(&self, rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Result<Vec<T>, Error> {
        let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (id(&row), row)).collect();
        let mut found = Vec::with_capacity(self.ids.len());
        let mut faults = Vec::new();
        for (index, id) in self.ids.iter().enumerate() {
            match rows.remove(id) {
                Some(row) => found.push(row),
                None => faults.push(FieldFault {
                    pointer: format!("/ids/{index}"),
                    detail: "refers to a resource that does not exist".to_owned(),
                    code: FaultCode::Reference,
                }),
            }
        }
        if faults.is_empty() { Ok(found) } else { Err(Error::Invalid(faults)) }
    }

    /// Apply the changes to each row. Returns the rows that differ now.
    ///
    /// # Errors
    /// That of a change, with a pointer into the batch.
    pub fn apply<T: Clone + PartialEq>(
        &self,
        rows: &mut [T],
        change: impl Fn(&mut T, P) -> Result<(), Error>,
    ) -> Result<Vec<T>, Error>
    where
        P: Clone,
    {
        let mut changed = Vec::new();
        for row in rows {
            let before = row.clone();
            change(row, self.changes.clone()).map_err(in_changes)?;
            if *row != before {
                changed.push(row.clone());
            }
        }
        Ok(changed)
    }
}

/// The error of one set of changes, with pointers into the batch that holds it.
pub fn in_changes(error: Error) -> Error {
    let below =
        |fault: FieldFault| FieldFault { pointer: format!("/changes{}", fault.pointer), ..fault };
    match error {
        Error::Invalid(faults) => Error::Invalid(faults.into_iter().map(below).collect()),
        Error::Taken(fault) => Error::Taken(below(fault)),
        other => other,
    }
}

/// A validated batch of changes. Rejects as [`extract::ValidJson`] does, and with 422 where the changes
/// are too large for so many resources, or the request has an `If-Match`: one version cannot be that of
/// several resources.
pub struct Changes<P: Validate<Context = ()>>(pub PatchBatch<P>);

impl<S, P> FromRequest<S> for Changes<P>
where
    S: Send + Sync,
    P: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.headers().contains_key(header::IF_MATCH) {
            let fault = FieldFault {
                pointer: "/if-match".to_owned(),
                detail: "cannot be used for several resources".to_owned(),
                code: FaultCode::Invalid,
            };
            return Err(Error::Invalid(vec![fault]).into());
        }
        let body = extract::read(request, state).await?;
        let batch: PatchBatch<P> = extract::parse(&body)?;
        if body.len() * batch.ids.len() > MAX_BYTES {
            let fault = FieldFault {
                pointer: "/ids".to_owned(),
                detail: "are too many for changes of this size".to_owned(),
                code: FaultCode::Invalid,
            };
            return Err(Error::Invalid(vec![fault]).into());
        }
        Ok(Self(batch))
    }
}

impl<T: ToSchema> PartialSchema for Batch<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        ObjectBuilder::new()
            .description(Some("A batch of items, in the order of the request."))
            .property("items", items)
            .required("items")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Batch<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Batch", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T: ToSchema + Validate<Context = ()>> PartialSchema for NewBatch<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        ObjectBuilder::new()
            .description(Some("Items to create together, all or none."))
            .property("items", items.min_items(Some(1)).max_items(Some(100)))
            .required("items")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .into()
    }
}

impl<T: ToSchema + Validate<Context = ()>> ToSchema for NewBatch<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Batch", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<P: ToSchema + Validate<Context = ()>> PartialSchema for PatchBatch<P> {
    fn schema() -> RefOr<Schema> {
        let id = ObjectBuilder::new().schema_type(Type::String).format(Some(UUID));
        let ids = ArrayBuilder::new().items(id).unique_items(true);
        ObjectBuilder::new()
            .description(Some("One set of changes for several resources, all or none."))
            .property("ids", ids.min_items(Some(1)).max_items(Some(100)))
            .required("ids")
            .property("changes", Ref::from_schema_name(P::name()))
            .required("changes")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .into()
    }
}

impl<P: ToSchema + Validate<Context = ()>> ToSchema for PatchBatch<P> {
    fn name() -> Cow<'static, str> {
        format!("{}Batch", P::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((P::name().into_owned(), P::schema()));
        P::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Deserialize, Validate)]
    struct Patch {
        #[garde(skip)]
        total: i32,
    }

    /// Each of 100 resources would hold a copy of the changes.
    #[tokio::test]
    async fn changes_that_are_too_large_for_so_many_resources_are_refused() {
        let changes = |resources: usize, size: usize| async move {
            let ids = (0..resources).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
            let mut body = serde_json::json!({"ids": ids, "changes": {"total": 1}}).to_string();
            body.extend(std::iter::repeat_n(' ', size));
            let request = Request::post("/").header("content-type", "application/json");
            let request = request.body(axum::body::Body::from(body)).unwrap();
            Changes::<Patch>::from_request(request, &()).await.is_ok()
        };
        assert!(changes(100, 1000).await && changes(3, 300_000).await);
        assert!(!changes(100, 20_000).await && !changes(4, 300_000).await);
    }

    #[test]
    fn the_error_of_a_change_points_into_the_batch() {
        let batch = PatchBatch { ids: vec![Uuid::nil()], changes: Patch { total: 7 } };
        let refuse = |total: &mut i32, patch: Patch| {
            *total = patch.total;
            let pointer = "/total".to_owned();
            let detail = "must be at most 5".to_owned();
            Err(Error::Invalid(vec![FieldFault { pointer, detail, code: FaultCode::Invalid }]))
        };
        let refused = batch.apply(&mut [1], refuse);
        let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
        assert_eq!(faults[0].pointer, "/changes/total");
    }
}
