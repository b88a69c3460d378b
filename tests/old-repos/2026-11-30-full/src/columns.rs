//! Values of ours in columns.

/// A choice of ours that its column keeps as a text.
macro_rules! stored_as_text {
    ($type:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl $type {
            fn as_text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl sqlx::Type<crate::db::Driver> for $type {
            fn type_info() -> <crate::db::Driver as sqlx::Database>::TypeInfo {
                <str as sqlx::Type<crate::db::Driver>>::type_info()
            }
        }

        impl sqlx::Encode<'_, crate::db::Driver> for $type {
            fn encode_by_ref(
                &self,
                buffer: &mut <crate::db::Driver as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<crate::db::Driver>>::encode(self.as_text(), buffer)
            }
        }

        impl sqlx::Decode<'_, crate::db::Driver> for $type {
            fn decode(
                value: <crate::db::Driver as sqlx::Database>::ValueRef<'_>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                match <&str as sqlx::Decode<crate::db::Driver>>::decode(value)? {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!("the column holds `{other}`").into()),
                }
            }
        }

        impl sqlx::postgres::PgHasArrayType for $type {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <&str as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }
    };
}

pub(crate) use stored_as_text;
