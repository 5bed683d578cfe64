//! The canonical spelling of numbers.

/// The most zeros that a canonical number is written out with.
const MOST_ZEROS: usize = 64;

/// Appends a JSON number in its canonical spelling, exactly: `25.0` is `25`, `1e3` is `1000`,
/// `-0` is `0`, and no digit is lost, however many there are.
pub(crate) fn push_decimal(number: &str, out: &mut String) {
    let is_canonical = number.len() < 2 || !number.starts_with('0');
    if is_canonical && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return out.push_str(number);
    }
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.parse::<i32>() else {
        // Far beyond what any system counts with: only the same spelling is equal.
        return out.push_str(number);
    };

    // The number is `digits` × 10^`power`, without zeros at either end.
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return out.push('0');
    }
    let dropped = length(digits) - length(significant);
    let power = i64::from(exponent) - length(fraction) + dropped;

    out.push_str(sign);
    let zeros = usize::try_from(power.unsigned_abs()).unwrap_or(usize::MAX);
    if zeros > MOST_ZEROS + significant.len() {
        out.push_str(significant);
        out.push('e');
        out.push_str(&power.to_string());
    } else if power >= 0 {
        out.push_str(significant);
        out.extend(std::iter::repeat_n('0', zeros));
    } else if zeros < significant.len() {
        let (whole, fraction) = significant.split_at(significant.len() - zeros);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    } else {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', zeros - significant.len()));
        out.push_str(significant);
    }
}

fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}
