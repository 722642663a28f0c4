//! The constants of GELU and of the power of two, and both functions in plain Rust.

#![deny(unsafe_code)]
#![expect(clippy::excessive_precision, reason = "the digits are those of the fit, which the compiler rounds")]

/// Beyond this the normal distribution is 0 or 1 to f32.
pub(super) const GELU_END: f32 = 5.4;

/// `Φ(x) − 1/2 ≈ x · N(x²) / D(x²)` within 3e-7 / max(|x|, 0.3) for |x| up to [`GELU_END`]: minimax fit of our own. Lowest power first.
pub(super) const GELU_NUMERATOR: [f32; 5] = [3.989385711e-1, 6.672260512e-2, 6.735010551e-3, 5.104566060e-4, 9.267513327e-6];
/// The denominator, lowest power first.
pub(super) const GELU_DENOMINATOR: [f32; 6] =
    [1.0, 3.338771313e-1, 4.758145698e-2, 3.802630143e-3, 1.865590256e-4, 7.524331416e-7];

/// `2^r` for r from −1/2 to 1/2, relative error below 1e-7. Lowest power first.
pub(super) const POWER: [f32; 6] =
    [1.000000072, 6.931469671e-1, 2.402211972e-1, 5.550713274e-2, 9.675541333e-3, 1.327647177e-3];

/// Smaller exponents are taken as this one.
pub(super) const LOWEST_EXPONENT: f32 = -126.0;

/// `x · Φ(x)`, Φ the normal distribution.
#[inline]
pub(super) fn gelu(x: f32) -> f32 {
    let bounded = x.clamp(-GELU_END, GELU_END);
    let square = bounded * bounded;
    let at = |terms: &[f32]| terms.iter().rev().fold(0.0, |sum, term| sum * square + term);
    x * (0.5 + bounded * at(&GELU_NUMERATOR) / at(&GELU_DENOMINATOR))
}

/// `2^x` for x up to 0.
#[inline]
pub(super) fn power_of_two(x: f32) -> f32 {
    let x = x.max(LOWEST_EXPONENT);
    // truncation, not rounding: there is an instruction for it everywhere
    #[expect(clippy::cast_possible_truncation, reason = "from -126 to 0")]
    let whole = (x - 0.5) as i32;
    #[expect(clippy::cast_precision_loss, reason = "from -126 to 0")]
    let rest = x - whole as f32;
    #[expect(clippy::cast_sign_loss, reason = "from 1 to 127")]
    let power = f32::from_bits(((whole + 127) as u32) << 23);
    POWER.iter().rev().fold(0.0, |sum, term| sum * rest + term) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_close_to_the_exact_form() {
        // exact values of GELU, computed with 30 digits
        for (x, exact) in [
            (-4.0_f32, -1.266_849_7e-4_f32),
            (-1.0, -0.158_655_25),
            (-0.1, -0.046_017_22),
            (0.0, 0.0),
            (0.5, 0.345_731_22),
            (1.0, 0.841_344_7),
            (3.0, 2.995_950_3),
            (30.0, 30.0),
        ] {
            assert!((gelu(x) - exact).abs() < 2e-6 * x.abs().max(1.0), "gelu({x}) = {} not {exact}", gelu(x));
        }
    }

    #[test]
    fn powers_of_two() {
        for step in 0..1260 {
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let x = -(step as f32) / 10.0;
            let exact = x.exp2();
            assert!((power_of_two(x) / exact - 1.0).abs() < 3e-7, "{x}: {} not {exact}", power_of_two(x));
        }
        assert!(power_of_two(f32::NEG_INFINITY) < 1e-37);
    }
}
