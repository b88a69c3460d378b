//! Enums that a column stores as text.

/// Declare an enum once: its variants, and the text of each for clients and for the database.
macro_rules! choice {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident {
        $($(#[$note:meta])* $variant:ident = $text:tt),+ $(,)?
    }) => {
        #[allow(missing_docs, reason = "the text of a variant says what it is")]
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        $(#[$meta])*
        $visibility enum $name {
            $($(#[$note])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// The text in the database.
            pub fn as_text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl sqlx::Type<crate::db::Driver> for $name {
            fn type_info() -> <crate::db::Driver as sqlx::Database>::TypeInfo {
                <str as sqlx::Type<crate::db::Driver>>::type_info()
            }
        }

        impl sqlx::Encode<'_, crate::db::Driver> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <crate::db::Driver as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<crate::db::Driver>>::encode(self.as_text(), buffer)
            }
        }

        impl sqlx::Decode<'_, crate::db::Driver> for $name {
            fn decode(
                value: <crate::db::Driver as sqlx::Database>::ValueRef<'_>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                match <&str as sqlx::Decode<crate::db::Driver>>::decode(value)? {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!("the column holds `{other}`").into()),
                }
            }
        }

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <&str as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }
    };
}

pub(crate) use choice;
