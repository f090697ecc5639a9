//! What goes into a model and comes out of it.

use super::limits::{MAX_RANK, MAX_TENSOR_ELEMENTS};

/// What the numbers of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 0 to 255.
    Uint8,
    /// Four bytes, with a sign.
    Int32,
    /// Eight bytes, with a sign.
    Int64,
    /// IEEE 754, four bytes.
    Float32,
}

impl Element {
    /// Its name, as ONNX writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uint8 => "uint8",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
        }
    }

    /// Bytes of one number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Uint8 => 1,
            Self::Int32 | Self::Float32 => 4,
            Self::Int64 => 8,
        }
    }
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the model.
    pub name: String,
    /// None: the model leaves this dimension open.
    pub shape: Vec<Option<u32>>,
    /// What its numbers are.
    pub element: Element,
}

impl Port {
    /// Whether a tensor of this shape may go in.
    #[must_use]
    pub fn takes(&self, shape: &[u32]) -> bool {
        let fits = |(own, given): (&Option<u32>, &u32)| own.is_none_or(|own| own == *given);
        self.shape.len() == shape.len() && self.shape.iter().zip(shape).all(fits)
    }

    /// Its shape for people: `1x3x?x?`.
    #[must_use]
    pub fn shape_text(&self) -> String {
        let side = |side: &Option<u32>| side.map_or_else(|| "?".to_owned(), |side| side.to_string());
        join(self.shape.iter().map(side))
    }
}

fn join(sides: impl Iterator<Item = String>) -> String {
    let sides: Vec<String> = sides.collect();
    if sides.is_empty() {
        "one number".to_owned()
    } else {
        sides.join("x")
    }
}

/// The shape of a tensor for people: `1x3x416x416`.
#[must_use]
pub fn shape_text(shape: &[u32]) -> String {
    join(shape.iter().map(u32::to_string))
}

/// The numbers of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// See [`Element::Uint8`].
    Uint8(Vec<u8>),
    /// See [`Element::Int32`].
    Int32(Vec<i32>),
    /// See [`Element::Int64`].
    Int64(Vec<i64>),
    /// See [`Element::Float32`].
    Float32(Vec<f32>),
}

impl Values {
    /// What they are.
    #[must_use]
    pub fn element(&self) -> Element {
        match self {
            Self::Uint8(_) => Element::Uint8,
            Self::Int32(_) => Element::Int32,
            Self::Int64(_) => Element::Int64,
            Self::Float32(_) => Element::Float32,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Uint8(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Float32(values) => values.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of bytes, each number with its lowest byte first. None if a number is cut off.
    #[must_use]
    pub fn from_bytes(element: Element, bytes: &[u8]) -> Option<Self> {
        fn all<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
            let (numbers, rest) = bytes.as_chunks::<N>();
            rest.is_empty()
                .then(|| numbers.iter().copied().map(read).collect())
        }
        Some(match element {
            Element::Uint8 => Self::Uint8(bytes.to_vec()),
            Element::Int32 => Self::Int32(all(bytes, i32::from_le_bytes)?),
            Element::Int64 => Self::Int64(all(bytes, i64::from_le_bytes)?),
            Element::Float32 => Self::Float32(all(bytes, f32::from_le_bytes)?),
        })
    }

    /// As bytes, each number with its lowest byte first.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        /// Numbers first, then flat: that is one copy of all of them at once.
        fn all<const N: usize, T: Copy>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
            let numbers: Vec<[u8; N]> = values.iter().copied().map(bytes).collect();
            numbers.into_flattened()
        }
        match self {
            Self::Uint8(values) => values,
            Self::Int32(values) => all(&values, i32::to_le_bytes),
            Self::Int64(values) => all(&values, i64::to_le_bytes),
            Self::Float32(values) => all(&values, f32::to_le_bytes),
        }
    }
}

/// What numbers are, and their dimensions.
pub(super) type Kind<'a> = (Element, &'a [u32]);

/// Numbers in rows: the last dimension runs fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name of its port.
    pub name: String,
    /// Its dimensions, the outermost first.
    pub shape: Vec<u32>,
    /// Its numbers: as many as the dimensions multiplied.
    pub values: Values,
}

impl Tensor {
    /// Checks that shape and numbers agree.
    ///
    /// # Errors
    /// Says what does not.
    pub fn new(name: String, shape: Vec<u32>, values: Values) -> Result<Self, String> {
        let elements = elements(&shape)?;
        if elements != values.len() {
            return Err(format!(
                "the tensor `{name}` of {} has {} numbers; expected {elements}",
                shape_text(&shape),
                values.len()
            ));
        }
        Ok(Self { name, shape, values })
    }

    /// What its numbers are, and its dimensions.
    pub(super) fn kind(&self) -> Kind<'_> {
        (self.values.element(), &self.shape)
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.values.len().saturating_mul(self.values.element().bytes())
    }

    /// Whether it has a number that is none: infinite, or not a number at all.
    #[must_use]
    pub fn has_nonsense(&self) -> bool {
        match &self.values {
            // Looks at all of them: without a branch for each number this is done in vectors.
            Values::Float32(values) => !values.iter().fold(true, |all, value| all & value.is_finite()),
            _ => false,
        }
    }
}

/// The numbers that a tensor of this shape has.
///
/// # Errors
/// When those are more than may be.
pub fn elements(shape: &[u32]) -> Result<usize, String> {
    let product = shape
        .iter()
        .try_fold(1_usize, |product, side| product.checked_mul(*side as usize));
    product
        .filter(|product| *product <= MAX_TENSOR_ELEMENTS && shape.len() <= MAX_RANK)
        .ok_or_else(|| {
            format!(
                "a tensor of {} is too big: at most {MAX_RANK} dimensions and {MAX_TENSOR_ELEMENTS} numbers are accepted",
                shape_text(shape)
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_through_bytes() {
        for values in [
            Values::Uint8(vec![0, 255]),
            Values::Int32(vec![-1, i32::MAX]),
            Values::Int64(vec![i64::MIN, 7]),
            Values::Float32(vec![-0.5, f32::MAX]),
        ] {
            let element = values.element();
            let bytes = values.clone().into_bytes();
            assert_eq!(bytes.len(), 2 * element.bytes());
            assert_eq!(Values::from_bytes(element, &bytes), Some(values));
        }
        assert_eq!(Values::from_bytes(Element::Int32, &[1, 2, 3]), None);
    }

    #[test]
    fn shape_and_numbers_must_agree() {
        let made = |shape: &[u32], numbers| {
            Tensor::new("x".into(), shape.into(), Values::Uint8(vec![0; numbers])).map(drop)
        };
        assert_eq!(made(&[2, 3], 6), Ok(()));
        assert_eq!(made(&[], 1), Ok(()));
        assert!(
            made(&[2, 3], 5)
                .unwrap_err()
                .contains("has 5 numbers; expected 6")
        );
        assert!(made(&[1; 9], 1).unwrap_err().contains("too big"));
        assert!(made(&[u32::MAX; 3], 1).unwrap_err().contains("too big"));
    }

    #[test]
    fn what_is_not_a_number_is_found() {
        let has = |values: &[f32]| {
            let values = Values::Float32(values.to_vec());
            let shape = vec![u32::try_from(values.len()).unwrap()];
            Tensor::new("x".into(), shape, values).unwrap().has_nonsense()
        };
        assert!(!has(&[0.0, -1.5, f32::MAX, f32::MIN_POSITIVE]) && !has(&[]));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(has(&[1.0, bad, 2.0]), "{bad}");
        }
    }

    #[test]
    fn a_port_takes_what_its_open_dimensions_allow() {
        let port = Port {
            name: "images".into(),
            shape: vec![None, Some(3), None, None],
            element: Element::Float32,
        };
        assert!(port.takes(&[1, 3, 64, 64]) && !port.takes(&[1, 4, 64, 64]) && !port.takes(&[3, 64, 64]));
        assert_eq!(port.shape_text(), "?x3x?x?");
    }
}
