//! GELU in one pass, in place: candle's exact form calls a scalar `erf` and allocates; this one vectorises.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, bail};

/// `0.5 x (1 + erf(x / sqrt 2))` with the error function of Abramowitz and Stegun 7.1.26 (absolute error below 2e-7).
pub(super) struct Gelu;

impl InplaceOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(values) = storage else { bail!("gelu works on f32 only") };
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("gelu works on contiguous tensors only") };
        for value in &mut values[start..end] {
            *value = gelu(*value);
        }
        Ok(())
    }
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly = t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_8 + t * (-1.453_152_1 + t * 1.061_405_4))));
    let erf = 1.0 - poly * exp_of_negative(-z * z);
    let erf = if x < 0.0 { -erf } else { erf };
    0.5 * x * (1.0 + erf)
}

/// `exp(x)` for x <= 0, by range reduction and a degree-6 polynomial; relative error below 1e-6.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    let x = x.max(-87.0);
    let n = (x * std::f32::consts::LOG2_E - 0.5).trunc();
    let r = x - n * std::f32::consts::LN_2;
    let poly = 1.0 + r * (1.0 + r * (0.5 + r * (0.166_666_67 + r * (0.041_666_67 + r * (0.008_333_334 + r * 0.001_388_889)))));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "n is an integer in -126..=0")]
    let power = f32::from_bits(((n as i32 + 127) as u32) << 23);
    poly * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_to_the_exact_form() {
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
            assert!((gelu(x) - exact).abs() < 2e-6, "gelu({x}) = {} not {exact}", gelu(x));
        }
    }
}
