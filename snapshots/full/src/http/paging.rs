//! Listings over HTTP: the query parameters that every listing has, and the schema of a page.

use std::borrow::Cow;

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer, value::Error as NotOne},
};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type,
        path::{Parameter, ParameterIn, ParameterStyle},
        schema::SchemaType,
    },
};

use super::{extract, problem::Problem};
use crate::{
    db::listing::{Listed, Page, PageQuery, PageRequest},
    error::{Error, FaultCode, FieldFault},
};

/// A listing as a client asks for it. Rejects with 422, naming every invalid parameter.
pub struct Listing<F: Listed, I = NoInclude> {
    /// Which rows: the query parameters that this listing has beside [`Shared`] ones.
    pub filter: F,
    /// Which relations to include.
    pub include: Vec<I>,
    /// Which page of the rows.
    pub page: PageQuery<F::Row>,
}

/// For listings without relations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum NoInclude {}

/// Query parameters of every listing. A filter of one of these names cannot be asked for.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct Shared {
    /// Maximum number of items per page. Defaults to 20.
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, example = 20)]
    limit: Option<u32>,
    /// The `next_cursor` of the previous page.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Column to sort by, in descending order after a `-`. Defaults to `-created_at`.
    #[param(example = "-created_at")]
    sort: Option<String>,
    /// Relations to include in each item, separated by commas.
    include: Option<String>,
    /// Return only items created at or after this time.
    created_at_from: Option<DateTime<Utc>>,
    /// Return only items created before this time.
    created_at_to: Option<DateTime<Utc>>,
}

const SHARED: [&str; 6] =
    ["limit", "cursor", "sort", "include", "created_at_from", "created_at_to"];

impl<S, F, I> FromRequestParts<S> for Listing<F, I>
where
    S: Sync,
    F: Listed + DeserializeOwned + Validate<Context: Default>,
    I: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
            .map_err(|faults| Error::Invalid(faults).into())
    }
}

impl<F, I> Listing<F, I>
where
    F: Listed + DeserializeOwned + Validate<Context: Default>,
    I: DeserializeOwned,
{
    fn parse(query: &str) -> Result<Self, Vec<FieldFault>> {
        let (mut filter, mut shared) = (String::new(), String::new());
        for pair in query.split('&') {
            let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
            let is_shared = name.is_some_and(|name| SHARED.contains(&name.as_ref()));
            let part = if is_shared { &mut shared } else { &mut filter };
            part.push_str(pair);
            part.push('&');
        }
        let (filter, shared) = match (extract::query(&filter), extract::query(&shared)) {
            (Ok(filter), Ok(shared)) => (filter, shared),
            (filter, shared) => {
                return Err([filter.err(), shared.err()].into_iter().flatten().flatten().collect());
            }
        };
        let Shared { limit, cursor, sort, include, created_at_from, created_at_to } = shared;
        let request = PageRequest { limit, cursor, sort, created_at_from, created_at_to };
        match (includes(include.as_deref()), PageQuery::new(F::SORTING, request)) {
            (Ok(include), Ok(page)) => Ok(Self { filter, include, page }),
            (include, page) => Err([include.err(), page.err()].into_iter().flatten().collect()),
        }
    }
}

fn includes<I: DeserializeOwned>(list: Option<&str>) -> Result<Vec<I>, FieldFault> {
    let names = list.into_iter().flat_map(|list| list.split(','));
    let read = |name: &str| I::deserialize(IntoDeserializer::<NotOne>::into_deserializer(name));
    names.map(read).collect::<Result<_, _>>().map_err(|error| FieldFault {
        pointer: "/include".to_owned(),
        detail: error.to_string(),
        code: FaultCode::Type,
    })
}

impl<F: Listed + IntoParams, I: PartialSchema> IntoParams for Listing<F, I> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = Shared::into_params(&place);
        for parameter in &mut parameters {
            match parameter.name.as_str() {
                "sort" => {
                    let names = F::SORTING.names().collect::<Vec<_>>().join("|");
                    let text = ObjectBuilder::new().schema_type(Type::String);
                    parameter.schema = Some(text.pattern(Some(format!("^-?({names})$"))).into());
                }
                "include" => {
                    parameter.schema = Some(ArrayBuilder::new().items(I::schema()).into());
                    parameter.style = Some(ParameterStyle::Form);
                    parameter.explode = Some(false);
                }
                _ => {}
            }
        }
        let includes = I::schema() != NoInclude::schema();
        parameters.retain(|parameter| includes || parameter.name != "include");
        let mut filters = F::into_params(place);
        filters.retain(|filter| !SHARED.contains(&filter.name.as_str()));
        parameters.extend(filters);
        parameters
    }
}

impl PartialSchema for NoInclude {
    fn schema() -> RefOr<Schema> {
        Schema::default().into()
    }
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let next_cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Value of `cursor` for the next page; `null` on the last page."))
            .examples(["eyJzb3J0IjoiLWNyZWF0ZWRfYXQi"]);
        ObjectBuilder::new()
            .description(Some("A page of a listing."))
            .property(
                "items",
                items.description(Some("At most `limit` items; fewer where they are large.")),
            )
            .required("items")
            .property("next_cursor", next_cursor)
            .required("next_cursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
