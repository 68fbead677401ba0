//! Writing SVG. Every shape carries presentation attributes, so that it is readable with style sheets blocked; classes give it the
//! page's colours. Paths use only `M`, `V`, `H` and `Z`, which lets the page's script stretch the time axis by rewriting numbers.

use std::fmt::{self, Display, Write};

/// A coordinate: two decimals at most, none where it has none.
#[derive(Clone, Copy)]
pub struct Px(pub f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = (self.0 * 100.0).round() as i64;
        let (sign, cents) = if cents < 0 { ("-", -cents) } else { ("", cents) };
        let (whole, rest) = (cents / 100, cents % 100);
        match rest {
            0 => write!(f, "{sign}{whole}"),
            rest if rest % 10 == 0 => write!(f, "{sign}{whole}.{}", rest / 10),
            rest => write!(f, "{sign}{whole}.{rest:02}"),
        }
    }
}

/// A coordinate with one decimal, for the many points of an area.
#[derive(Clone, Copy)]
pub struct Coarse(pub f64);

impl Display for Coarse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Px((self.0 * 10.0).round() / 10.0))
    }
}

/// Text without anything that XML or HTML would take for markup, and without characters that XML forbids.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() && c != '\n' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Where a link leads. Only plain relative paths become links, so that no name can turn into a scheme or leave the folder.
pub fn link(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let safe = !path.is_empty() && path.chars().all(plain) && !path.starts_with('/') && !path.split('/').any(|part| part == "..");
    if safe { path.to_owned() } else { String::new() }
}

/// HTML that was made here: everything foreign in it is escaped, so a template shows it as it is.
#[derive(Default)]
pub struct Html(String);

impl Html {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// Text as HTML in which what stands between back-ticks is code.
pub fn prose(text: &str) -> Html {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return Html(escape(text));
    }
    let parts = parts.iter().enumerate().map(|(index, part)| match index % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    Html(parts.collect())
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A piece of SVG under construction.
#[derive(Default)]
pub struct Svg(pub String);

impl Svg {
    /// A rectangle with an optional hover title.
    pub fn rect(&mut self, class: &str, fill: &str, [x, y, width, height]: [f64; 4], title: &str) {
        let [x, y, width, height] = [x, y, width.max(0.0), height].map(Px);
        let _ = write!(self.0, r#"<rect class="{class}" fill="{fill}" x="{x}" y="{y}" width="{width}" height="{height}""#);
        self.close("rect", title);
    }

    /// A rectangle that is drawn at least two pixels wide; its true width is kept for when the time axis is stretched.
    pub fn mark(&mut self, class: &str, fill: &str, [x, y, width, height]: [f64; 4], title: &str) {
        let (shown, [x, y, width, height]) = (Px(width.max(2.0)), [x, y, width.max(0.0), height].map(Px));
        let _ = write!(self.0, r#"<rect class="{class}" fill="{fill}" x="{x}" y="{y}" width="{shown}" height="{height}" data-w="{width}""#);
        self.close("rect", title);
    }

    /// A line.
    pub fn line(&mut self, class: &str, stroke: &str, [x1, y1, x2, y2]: [f64; 4], title: &str) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(Px);
        let _ = write!(self.0, r#"<line class="{class}" stroke="{stroke}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}""#);
        self.close("line", title);
    }

    /// A filled area.
    pub fn area(&mut self, class: &str, fill: &str, d: &str) {
        let _ = write!(self.0, r#"<path class="{class}" fill="{fill}" d="{d}"/>"#);
    }

    /// A thick line that is the fainter the less it stands for.
    pub fn heat(&mut self, class: &str, stroke: &str, [width, opacity]: [f64; 2], d: &str, title: &str) {
        let (width, opacity) = (Px(width), Px(opacity));
        let _ = write!(self.0, r#"<path class="{class}" stroke="{stroke}" stroke-width="{width}" opacity="{opacity}" d="{d}""#);
        self.close("path", title);
    }

    /// An outline.
    pub fn outline(&mut self, class: &str, stroke: &str, d: &str, title: &str) {
        let _ = write!(self.0, r#"<path class="{class}" fill="none" stroke="{stroke}" stroke-width="1.5" d="{d}""#);
        self.close("path", title);
    }

    /// A text; `class` decides size and weight where style sheets work.
    pub fn text(&mut self, class: &str, anchor: Anchor, x: f64, y: f64, text: &str) {
        self.label(class, anchor, [x, 0.0], y, text, None);
    }

    /// A text at a distance from a place on the time axis: the place moves with the axis, the distance does not. `until` is the end
    /// of the bar that the text names.
    pub fn label(&mut self, class: &str, anchor: Anchor, [x, distance]: [f64; 2], y: f64, text: &str, until: Option<f64>) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let _ = write!(self.0, r#"<text class="{class}"{anchor} x="{}" y="{}""#, Px(x), Px(y));
        if matches!(class, "p1x" | "p3x" | "p5x" | "p7x" | "rpx") {
            // Dark bars under it, also where style sheets are blocked.
            self.0.push_str(r##" fill="#ffffff""##);
        }
        if distance != 0.0 {
            let _ = write!(self.0, r#" dx="{}""#, Px(distance));
        }
        if let Some(until) = until {
            let _ = write!(self.0, r#" data-to="{}""#, Px(until));
        }
        let _ = write!(self.0, ">{}</text>", escape(text));
    }

    fn close(&mut self, element: &str, title: &str) {
        if title.is_empty() {
            self.0.push_str("/>");
        } else {
            let _ = write!(self.0, "><title>{}</title></{element}>", escape(title));
        }
    }
}

/// About how wide a text is at the charts' small size; errs on the wide side.
pub fn width_of(text: &str) -> f64 {
    text.chars().map(|c| if matches!(c, 'i' | 'l' | 't' | 'f' | 'j' | '.' | ',' | ' ' | '-' | ':') { 4.4 } else { 7.0 }).sum()
}

/// As much of a name, at the size of the lanes' names, as fits into a width.
pub fn clip(text: &str, width: f64) -> String {
    let mut clipped = String::new();
    for c in text.chars() {
        if width_of(&clipped) * 1.1 + 10.0 > width {
            return clipped + "…";
        }
        clipped.push(c);
    }
    clipped
}

/// Begins a chart: `role="img"` with a title and a description as its text alternative.
pub fn open(class: &str, id: &str, width: f64, height: f64, extra: &str, title: &str, description: &str) -> String {
    let (title, description) = (escape(title), escape(description));
    let (width, height) = (Px(width), Px(height));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="{class}" id="{id}" role="img" aria-labelledby="{id}-t {id}-d" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="11"{extra}><title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_carry_no_needless_digits() {
        let text = |value| Px(value).to_string();
        assert_eq!(text(12.0), "12");
        assert_eq!(text(12.5), "12.5");
        assert_eq!(text(12.049), "12.05");
        assert_eq!(text(-0.5), "-0.5");
        assert_eq!(text(-0.001), "0");
        assert_eq!(Coarse(3.149).to_string(), "3.1");
    }

    #[test]
    fn only_paired_back_ticks_are_code() {
        assert_eq!(prose("until `+odown` <b>").to_string(), "until <code>+odown</code> &lt;b&gt;");
        assert_eq!(prose("a ` b").to_string(), "a ` b");
    }

    #[test]
    fn markup_and_forbidden_characters_do_not_survive() {
        assert_eq!(escape("<a href='x'>&\u{0}"), "&lt;a href=&#39;x&#39;&gt;&amp;\u{fffd}");
    }
}
