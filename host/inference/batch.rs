//! Several runs in one: their inputs stand one behind the other in the first dimension, and so do the answers.

use super::given::Given;
use super::tensor::{Kind, Tensor, Values};

/// Whether runs of these inputs can be one: all but the first dimension is the same.
pub(super) fn alike(one: &Given, other: &Given) -> bool {
    let same = |((one, first), (other, second)): (Kind<'_>, Kind<'_>)| {
        one == other
            && first.len() == second.len()
            && !first.is_empty()
            && first.iter().skip(1).eq(second.iter().skip(1))
    };
    let (one, other) = (one.kinds(), other.kinds());
    one.len() == other.len() && one.into_iter().zip(other).all(same)
}

/// How many stand behind each other in the inputs of one run: the same in all of them.
pub(super) fn count(inputs: &[Tensor]) -> Option<u32> {
    let mut counts = inputs.iter().map(|input| input.shape.first().copied());
    let first = counts.next()??;
    (first > 0 && counts.all(|count| count == Some(first))).then_some(first)
}

/// The inputs of runs that are alike, as those of one run.
pub(super) fn join(runs: &[Vec<Tensor>]) -> Option<Vec<Tensor>> {
    let (first, rest) = runs.split_first()?;
    let mut joined = first.clone();
    for run in rest {
        for (tensor, more) in joined.iter_mut().zip(run) {
            let count = tensor.shape.first_mut()?;
            *count = count.checked_add(*more.shape.first()?)?;
            append(&mut tensor.values, &more.values)?;
        }
    }
    Some(joined)
}

fn append(values: &mut Values, more: &Values) -> Option<()> {
    match (values, more) {
        (Values::Uint8(values), Values::Uint8(more)) => values.extend_from_slice(more),
        (Values::Int32(values), Values::Int32(more)) => values.extend_from_slice(more),
        (Values::Int64(values), Values::Int64(more)) => values.extend_from_slice(more),
        (Values::Float32(values), Values::Float32(more)) => values.extend_from_slice(more),
        _ => return None,
    }
    Some(())
}

/// The answer of one run as those of the runs that it was joined of; None if it does not tell them apart.
pub(super) fn split(outputs: &[Tensor], counts: &[u32]) -> Option<Vec<Vec<Tensor>>> {
    let all: u32 = counts.iter().sum();
    let mut from = 0;
    let part = |output: &Tensor, from: u32, count: u32| {
        let rows = *output.shape.first()?;
        if rows != all {
            return None;
        }
        let row = output.values.len().checked_div(rows as usize)?;
        let range = (from as usize * row)..((from + count) as usize * row);
        let mut shape = output.shape.clone();
        *shape.first_mut()? = count;
        Some(Tensor {
            name: output.name.clone(),
            shape,
            values: slice(&output.values, range)?,
        })
    };
    let mut runs = Vec::with_capacity(counts.len());
    for count in counts {
        let parts: Option<Vec<Tensor>> = outputs.iter().map(|output| part(output, from, *count)).collect();
        runs.push(parts?);
        from += count;
    }
    Some(runs)
}

fn slice(values: &Values, range: std::ops::Range<usize>) -> Option<Values> {
    Some(match values {
        Values::Uint8(values) => Values::Uint8(values.get(range)?.to_vec()),
        Values::Int32(values) => Values::Int32(values.get(range)?.to_vec()),
        Values::Int64(values) => Values::Int64(values.get(range)?.to_vec()),
        Values::Float32(values) => Values::Float32(values.get(range)?.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[u32], numbers: &[i32]) -> Vec<Tensor> {
        vec![Tensor::new("x".into(), shape.into(), Values::Int32(numbers.into())).unwrap()]
    }

    fn given(tensors: &[Tensor]) -> Given {
        tensors.to_vec().into()
    }

    #[test]
    fn what_is_joined_is_split_into_what_it_was() {
        let runs = [
            tensor(&[1, 2], &[1, 2]),
            tensor(&[2, 2], &[3, 4, 5, 6]),
            tensor(&[1, 2], &[7, 8]),
        ];
        assert!(alike(&given(&runs[0]), &given(&runs[1])));
        let joined = join(&runs).unwrap();
        assert_eq!(joined, tensor(&[4, 2], &[1, 2, 3, 4, 5, 6, 7, 8]));
        let counts: Vec<u32> = runs.iter().map(|run| count(run).unwrap()).collect();
        assert_eq!(split(&joined, &counts).unwrap(), runs);
    }

    #[test]
    fn what_is_not_alike_stays_apart() {
        let float = Tensor::new("x".into(), vec![1], Values::Float32(vec![1.0])).unwrap();
        let one = tensor(&[1], &[1]);
        for (one, other) in [
            (tensor(&[1, 2], &[1, 2]), one.clone()),
            (tensor(&[], &[1]), tensor(&[], &[1])),
            (one.clone(), vec![]),
            (one, vec![float]),
        ] {
            assert!(!alike(&given(&one), &given(&other)), "{one:?} and {other:?}");
        }
        // An answer for all together cannot be told apart.
        assert_eq!(split(&tensor(&[1, 1], &[9]), &[1, 1]), None);
        assert_eq!(count(&[]), None);
    }
}
