// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The tree as an SVG file that needs nothing else: shapes, text, titles that browsers show on hovering.

use std::fmt::Write;

use kallmodsyms::{Group, Section};

use super::layout::{Area, squarify};
use super::tree::{Branch, Family, Leaf, Part, Tree};
use crate::demangle::demangled;
use crate::number;

/// How the picture is to look.
pub(super) struct Picture<'a> {
    pub(super) title: &'a str,
    /// Whether sizes are guesses.
    pub(super) estimated: bool,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Above the picture: title and legend.
const TOP: f64 = 56.0;
/// Around it.
const MARGIN: f64 = 10.0;
/// The head of a module's frame.
const HEAD: f64 = 15.0;
/// The head of a section, where a module is large enough to say them.
const SECTION_HEAD: f64 = 14.0;
/// The head of a family of names.
const FAMILY_HEAD: f64 = 11.0;
/// How wide a letter of the fonts is that `FONT` names, in parts of their size.
const ADVANCE: f64 = 0.602;
const FONT: &str =
    "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

/// Letter and colours of a section: of the kernel's own, and of modules.
const fn look(section: Section) -> (char, [&'static str; 2], [&'static str; 2]) {
    match section {
        Section::Text => ('t', ["#47679a", "#2f4a75"], ["#4f9bff", "#2467d8"]),
        Section::ReadOnly => ('r', ["#3f7d68", "#295a49"], ["#3fd29a", "#169064"]),
        Section::Data => ('d', ["#957646", "#6d532c"], ["#ffc04d", "#cf8412"]),
        Section::Bss => ('b', ["#76609a", "#554373"], ["#c58bff", "#8846d8"]),
        Section::Other => ('o', ["#6b7480", "#4c545e"], ["#9fb2c6", "#6c8097"]),
    }
}

/// The colour of a module's frame, and how the legend calls it.
fn frame(group: Group) -> (&'static str, &'static str) {
    match group {
        Group::Core => ("#39424e", "vmlinux"),
        Group::BuiltIn => ("#1d3b66", "built-in module"),
        Group::Loaded => ("#b4420f", "loaded module"),
        Group::Bpf => ("#8a1c5c", "BPF"),
        other => ("#8a1c5c", other.name()),
    }
}

impl Picture<'_> {
    pub(super) fn draw(&self, tree: &Tree<'_>) -> String {
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let mut svg = Svg::default();
        svg.start(self);
        self.head(&mut svg, tree);
        let area = Area {
            x: MARGIN,
            y: TOP,
            width: width - 2.0 * MARGIN,
            height: height - TOP - MARGIN,
        };
        let sizes: Vec<u64> = tree.modules.iter().map(|module| module.bytes).collect();
        for (module, area) in tree.modules.iter().zip(squarify(&sizes, area)) {
            svg.module(module, area);
        }
        svg.text.push_str("</svg>\n");
        svg.text
    }

    /// Title, figures, legend.
    fn head(&self, svg: &mut Svg, tree: &Tree<'_>) {
        let width = f64::from(self.width);
        svg.label(MARGIN, 26.0, 20.0, "T", self.title);
        let merged = if tree.merged > 0 {
            format!(
                ", the {} smallest together",
                number::grouped(tree.merged as u64)
            )
        } else {
            String::new()
        };
        let sizes = if self.estimated {
            "; sizes estimated"
        } else {
            ""
        };
        let figures = format!(
            "{} in {}{merged}; {}{sizes}",
            number::human(tree.bytes),
            number::count(tree.symbols, "symbol"),
            number::count(tree.names, "module"),
        );
        svg.label(MARGIN, 45.0, 12.0, "S", &figures);

        // From the right, each entry where the one after it starts.
        let mut right = width - MARGIN;
        let mut groups: Vec<Group> = tree.modules.iter().map(|module| module.group).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups.into_iter().rev() {
            let (colour, name) = frame(group);
            right = svg.legend(right, 16.0, &[colour], name);
        }
        let mut right = width - MARGIN;
        for section in Section::ALL.into_iter().rev() {
            let (_, core, module) = look(section);
            right = svg.legend(right, 36.0, &[core[0], module[0]], section.name());
        }
    }
}

#[derive(Default)]
struct Svg {
    text: String,
}

impl Svg {
    fn start(&mut self, picture: &Picture<'_>) {
        let (width, height) = (picture.width, picture.height);
        let title = escape(picture.title);
        // Writing to a string does not fail.
        let _ = write!(
            self.text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!-- made by kallmodsyms treemap -->\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"{FONT}\">\n<title>{title}</title>\n<defs>\n"
        );
        let mut style = String::new();
        for section in Section::ALL {
            let (letter, core, module) = look(section);
            for (class, [from, to]) in
                [(format!("c{letter}"), core), (format!("m{letter}"), module)]
            {
                let _ = writeln!(
                    self.text,
                    "<linearGradient id=\"{class}\" x1=\"0\" y1=\"0\" x2=\"1\" y2=\"1\">\
                     <stop stop-color=\"{from}\"/><stop offset=\"1\" stop-color=\"{to}\"/></linearGradient>"
                );
                let _ = writeln!(style, ".{class}{{fill:url(#{class})}}");
            }
        }
        let _ = write!(
            self.text,
            "</defs>\n<style>\nrect{{stroke:#0d1117;stroke-width:.4}}\nrect:hover{{stroke:#fff;stroke-width:2}}\n\
             text{{pointer-events:none;fill:#fff}}\n.T{{font-weight:bold}}\n.S{{fill:#9aa7b5}}\n.H{{font-weight:bold}}\n\
             .L{{fill:#fff;fill-opacity:.92}}\n\
             .N{{fill:#c9d4df}}\n.F{{fill:#232b36}}\n{style}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#0d1117\"/>\n"
        );
    }

    fn module(&mut self, module: &Branch<'_>, area: Area) {
        let (colour, kind) = frame(module.group);
        let Area {
            x,
            y,
            width,
            height,
        } = area;
        let figures = format!(
            "{}, {}",
            number::human(module.bytes),
            number::count(module.symbols, "symbol")
        );
        let title = if module.group == Group::Core {
            String::new()
        } else {
            format!("\n{kind}")
        };
        let _ = writeln!(
            self.text,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" rx=\"2\" fill=\"{colour}\">\
             <title>{}{title}\n{figures}</title></rect>",
            escape(&module.name)
        );
        let has_head = height > 2.5 * HEAD && width > 40.0;
        let head = if has_head { HEAD } else { 0.0 };
        if has_head {
            let both = format!("{}  {}", module.name, number::human(module.bytes));
            let name = if fits(&both, 11.0, width - 8.0) {
                both
            } else {
                module.name.clone()
            };
            self.fitted(x + 4.0, y + 11.5, 11.0, width - 8.0, "H", &name);
        }
        let border = if width.min(height) > 12.0 { 1.5 } else { 0.5 };
        let inside = area.within(border, head);
        let sizes: Vec<u64> = module.sections.iter().map(|part| part.bytes).collect();
        for (part, area) in module.sections.iter().zip(squarify(&sizes, inside)) {
            self.part(module, part, area);
        }
    }

    fn part(&mut self, module: &Branch<'_>, part: &Part<'_>, area: Area) {
        let is_core = module.group == Group::Core;
        let (letter, ..) = look(part.section);
        let class = format!("{}{letter}", if is_core { 'c' } else { 'm' });
        let says_section = area.width > 160.0 && area.height > 120.0;
        let head = if says_section { SECTION_HEAD } else { 0.0 };
        if says_section {
            let name = format!("{}  {}", part.section.name(), number::human(part.bytes));
            self.fitted(
                area.x + 4.0,
                area.y + 10.5,
                10.0,
                area.width - 8.0,
                "S",
                &name,
            );
        }
        let inside = area.within(if says_section { 0.5 } else { 0.0 }, head);

        let sizes: Vec<u64> = part.families.iter().map(|family| family.bytes).collect();
        for (family, area) in part.families.iter().zip(squarify(&sizes, inside)) {
            let inside = self.family_frame(family, area);
            self.family(module, part, family, &class, inside);
        }
    }

    /// What is left within the frame of a family that has a name.
    fn family_frame(&mut self, family: &Family<'_>, area: Area) -> Area {
        let Some(name) = &family.name else {
            return area;
        };
        let Area {
            x,
            y,
            width,
            height,
        } = area;
        let figures = format!(
            "{}, {}",
            number::human(family.bytes),
            number::count(family.symbols(), "symbol")
        );
        let _ = writeln!(
            self.text,
            "<rect class=\"F\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\">\
             <title>{}\n{figures}</title></rect>",
            escape(name)
        );
        let has_head = height > 24.0 && width > 30.0;
        if has_head {
            self.fitted(x + 3.0, y + 9.0, 9.0, width - 4.0, "N", name);
        }
        area.within(0.8, if has_head { FAMILY_HEAD } else { 0.0 })
    }

    fn family(
        &mut self,
        module: &Branch<'_>,
        part: &Part<'_>,
        family: &Family<'_>,
        class: &str,
        area: Area,
    ) {
        let leaves = family.leaves.iter().map(|leaf| (leaf.bytes, Some(leaf)));
        let mut items: Vec<_> = leaves.collect();
        let (rest, bytes) = family.rest;
        if rest > 0 {
            items.push((bytes, None));
            items.sort_by_key(|&(bytes, _)| std::cmp::Reverse(bytes));
        }
        let sizes: Vec<u64> = items.iter().map(|&(bytes, _)| bytes).collect();
        let of = if module.group == Group::Core {
            String::new()
        } else {
            format!(" [{}]", module.name)
        };
        for ((bytes, leaf), area) in items.into_iter().zip(squarify(&sizes, area)) {
            let (name, place) = match leaf {
                Some(Leaf { symbol, .. }) => (
                    demangled(symbol.name())
                        .unwrap_or_else(|| String::from_utf8_lossy(symbol.name()).into_owned()),
                    format!(" at {:#x}", symbol.address()),
                ),
                None => (family.rest_name(), String::new()),
            };
            let section = part.section.name();
            let title = format!(
                "{name}{of}\n{} bytes of {section}{place}",
                number::grouped(bytes)
            );
            self.leaf(class, &name, bytes, &title, area);
        }
    }

    fn leaf(&mut self, class: &str, name: &str, bytes: u64, title: &str, area: Area) {
        let Area {
            x,
            y,
            width,
            height,
        } = area;
        let _ = writeln!(
            self.text,
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\">\
             <title>{}</title></rect>",
            escape(title)
        );
        // As large as fits, and readable, or not at all.
        #[allow(clippy::cast_precision_loss, reason = "names have 511 bytes at most")]
        let letters = name.chars().count() as f64;
        let size = ((width - 6.0) / (letters * ADVANCE))
            .min(height * 0.45)
            .min(18.0);
        let room = height > 10.0 && width > 36.0;
        if size >= 7.0 {
            let with_size = height > 2.6 * size + 4.0;
            self.label(x + 3.0, y + size + 1.0, size, "L", name);
            if with_size {
                let small = (size * 0.8).max(7.0);
                let text = number::human(bytes);
                if fits(&text, small, width - 6.0) {
                    self.label(x + 3.0, y + size + small + 3.5, small, "L", &text);
                }
            }
        } else if room {
            self.fitted(x + 3.0, y + 8.5, 7.5, width - 5.0, "L", name);
        }
    }

    /// Text cut to a width, if at least some letters of it fit.
    fn fitted(&mut self, x: f64, y: f64, size: f64, width: f64, class: &str, text: &str) {
        if fits(text, size, width) {
            return self.label(x, y, size, class, text);
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a picture is not that wide"
        )]
        let letters = (width / (size * ADVANCE)).max(0.0) as usize;
        if letters >= 5 {
            let cut: String = text.chars().take(letters - 1).collect();
            self.label(x, y, size, class, &format!("{cut}…"));
        }
    }

    fn label(&mut self, x: f64, y: f64, size: f64, class: &str, text: &str) {
        let text = escape(text);
        let _ = writeln!(
            self.text,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.1}\">{text}</text>"
        );
    }

    /// An entry that ends at `right`; where it starts.
    fn legend(&mut self, right: f64, y: f64, colours: &[&str], name: &str) -> f64 {
        let mut x = right - text_width(name, 12.0);
        self.label(x, y + 1.0, 12.0, "S", name);
        x -= 5.0;
        for colour in colours.iter().rev() {
            x -= 11.0;
            let _ = writeln!(
                self.text,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"11\" height=\"11\" fill=\"{colour}\"/>",
                y - 9.0
            );
        }
        x - 16.0
    }
}

#[allow(clippy::cast_precision_loss, reason = "a picture is not that wide")]
fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * ADVANCE
}

fn fits(text: &str, size: f64, width: f64) -> bool {
    text_width(text, size) <= width
}

/// Text as XML has it. Characters that XML does not allow at all are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            '\0'..'\u{20}' | '\u{7f}'..'\u{a0}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}');
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_are_text() {
        assert_eq!(
            escape("<&>\"\u{1}\u{7f}\u{ffff}é"),
            "&lt;&amp;&gt;&quot;\u{fffd}\u{fffd}\u{fffd}é"
        );
    }
}
