// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Divides a rectangle by size into rectangles that are as square as can be.
//!
//! The algorithm is that of "Squarified Treemaps" (Bruls, Huizing, van Wijk, 2000): along the shorter side of what is
//! left, a row takes one more item as long as that makes the worst shape in the row better.

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    /// What is left within a border, and below a head. Never negative.
    pub(super) fn within(&self, border: f64, head: f64) -> Self {
        Self {
            x: self.x + border,
            y: self.y + border + head,
            width: (self.width - 2.0 * border).max(0.0),
            height: (self.height - 2.0 * border - head).max(0.0),
        }
    }
}

/// A rectangle for each size, in their order, which must be from the largest to the smallest.
#[allow(clippy::cast_precision_loss, reason = "a picture has no 2^52 pixels")]
pub(super) fn squarify(sizes: &[u64], area: Area) -> Vec<Area> {
    let total: f64 = sizes.iter().map(|&size| size as f64).sum();
    let pixels = area.width * area.height;
    if total <= 0.0 || pixels <= 0.0 {
        return vec![
            Area {
                width: 0.0,
                height: 0.0,
                ..area
            };
            sizes.len()
        ];
    }
    let scaled: Vec<f64> = sizes
        .iter()
        .map(|&size| size as f64 * pixels / total)
        .collect();

    let mut areas = Vec::with_capacity(sizes.len());
    let mut left = area;
    let mut rest = &scaled[..];
    while let Some(&first) = rest.first() {
        let side = left.width.min(left.height);
        let (mut count, mut sum) = (1, first);
        while let Some(&next) = rest.get(count) {
            // The first of a row is its largest, the last its smallest.
            if worst(first, next, sum + next, side) > worst(first, rest[count - 1], sum, side) {
                break;
            }
            sum += next;
            count += 1;
        }
        let (row, after) = rest.split_at(count);
        lay(row, sum, &mut left, &mut areas);
        rest = after;
    }
    areas
}

/// How far from a square the worst shape in a row is: long side by short side.
fn worst(largest: f64, smallest: f64, sum: f64, side: f64) -> f64 {
    let thickness = sum / side;
    let ratio = |size: f64| {
        let length = size / thickness;
        (length / thickness).max(thickness / length)
    };
    ratio(largest).max(ratio(smallest))
}

/// Puts a row along the shorter side, and takes it away from what is left.
fn lay(row: &[f64], sum: f64, left: &mut Area, areas: &mut Vec<Area>) {
    let upright = left.height <= left.width;
    let side = if upright { left.height } else { left.width };
    let thickness = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = 0.0;
    for size in row {
        let length = if sum > 0.0 { size / sum * side } else { 0.0 };
        areas.push(if upright {
            Area {
                x: left.x,
                y: left.y + at,
                width: thickness,
                height: length,
            }
        } else {
            Area {
                x: left.x + at,
                y: left.y,
                width: length,
                height: thickness,
            }
        });
        at += length;
    }
    if upright {
        left.x += thickness;
        left.width = (left.width - thickness).max(0.0);
    } else {
        left.y += thickness;
        left.height = (left.height - thickness).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area {
        x: 10.0,
        y: 20.0,
        width: 600.0,
        height: 400.0,
    };

    fn surface(area: &Area) -> f64 {
        area.width * area.height
    }

    fn overlap(a: &Area, b: &Area) -> f64 {
        let side = |a: f64, a_length: f64, b: f64, b_length: f64| {
            ((a + a_length).min(b + b_length) - a.max(b)).max(0.0)
        };
        side(a.x, a.width, b.x, b.width) * side(a.y, a.height, b.y, b.height)
    }

    /// The example of the paper.
    #[test]
    fn areas_are_as_sizes() {
        let sizes = [6_u32, 6, 4, 3, 2, 2, 1];
        let areas = squarify(&sizes.map(u64::from), AREA);
        for (size, area) in sizes.iter().zip(&areas) {
            assert!(
                (surface(area) - f64::from(*size) * 10_000.0).abs() < 1e-6,
                "{area:?}"
            );
            let shape = (area.width / area.height).max(area.height / area.width);
            assert!(shape < 3.0, "{area:?}");
            assert!(
                overlap(area, &AREA) > surface(area) - 1e-6,
                "{area:?} sticks out"
            );
        }
        for (index, a) in areas.iter().enumerate() {
            for b in &areas[index + 1..] {
                assert!(overlap(a, b) < 1e-6, "{a:?} {b:?}");
            }
        }
        // The first row of the paper: both sixes, one above the other.
        assert_eq!((areas[0].x, areas[1].x), (10.0, 10.0));
    }

    #[test]
    fn nothing_to_divide() {
        assert_eq!(squarify(&[], AREA), []);
        assert!(
            squarify(&[0, 0], AREA)
                .iter()
                .all(|area| surface(area) == 0.0)
        );
        assert_eq!(squarify(&[1], AREA), [AREA]);
        let flat = Area {
            height: 0.0,
            ..AREA
        };
        assert!(
            squarify(&[2, 1], flat)
                .iter()
                .all(|area| surface(area) == 0.0)
        );
    }

    #[test]
    fn sizes_of_all_magnitudes() {
        let areas = squarify(&[u64::MAX, 1 << 40, 1, 0, 0], AREA);
        assert!(areas.iter().all(|area| {
            [area.x, area.y, area.width, area.height]
                .iter()
                .all(|side| side.is_finite())
        }));
    }

    #[test]
    fn borders_do_not_turn_inside_out() {
        let small = Area {
            x: 0.0,
            y: 0.0,
            width: 3.0,
            height: 3.0,
        };
        assert_eq!(
            small.within(2.0, 16.0),
            Area {
                x: 2.0,
                y: 18.0,
                width: 0.0,
                height: 0.0
            }
        );
    }
}
