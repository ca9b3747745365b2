//! The numbers of versions, as documents write them.

/// Converts an enum of versions from and to their numbers.
macro_rules! numbered {
    ($name:ident { $($version:ident = $number:literal),+ $(,)? }) => {
        impl TryFrom<u32> for $name {
            type Error = $crate::Invalid;
            fn try_from(number: u32) -> Result<Self, $crate::Invalid> {
                match number {
                    $($number => Ok(Self::$version),)+
                    _ => Err($crate::Invalid::new("is a version that is not known here")),
                }
            }
        }

        impl From<$name> for u32 {
            fn from(version: $name) -> Self {
                match version {
                    $($name::$version => $number,)+
                }
            }
        }
    };
}

pub(crate) use numbered;
