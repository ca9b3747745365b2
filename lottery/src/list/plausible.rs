//! Which of the encodings older than Unicode a text has: the one in which it reads most like a list of people.
//!
//! Detectors made for web pages need more text than a list of three names has. Here each encoding looks at its own units:
//! how many of them are characters that are common in it, how many stand where such characters do not stand, how many words
//! begin with a family name.

use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, WINDOWS_1251, WINDOWS_1252};

use super::{Country, words};

/// Below this, a text reads like nothing.
const PLAUSIBLE: f64 = 0.6;

/// Family names, and the characters of which they consist, that more than nine of ten people have.
const CHINESE_SURNAMES: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文欧阳司上官诸葛古买阿迪艾";
const TAIWANESE_SURNAMES: &str = "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾游彭詹胡施沈余盧梁趙顏柯翁魏孫戴范方宋鄧杜傅侯曹薛丁卓阮馬董溫唐藍石蔣古紀姚連馮歐程湯田康姜白汪鄒尤巫鐘黎涂龔嚴韓袁金童陸夏柳邵錢伍倪溫葛歐陽司上官諸";
const KOREAN_SURNAMES: &str = "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진지엄채원천방공현함변염추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용";

/// The encoding of a text that is not UTF-8, if it reads like a text in any. `before` is the ASCII byte in front of it.
pub(super) fn guess(bytes: &[u8], before: u8, country: Option<Country>) -> Option<&'static Encoding> {
    let country = country.map(|country| country.to_string());
    let is_from = |codes: &[&str]| country.as_deref().is_some_and(|country| codes.contains(&country));
    let near = |is_near: bool| if is_near { 0.05 } else { 0.0 };
    let candidates = [
        (
            GB18030,
            gb18030(bytes, before) + names(GB18030, bytes, CHINESE_SURNAMES) + near(is_from(&["CN", "SG"])),
        ),
        (
            BIG5,
            big5(bytes, before) + names(BIG5, bytes, TAIWANESE_SURNAMES) + near(is_from(&["TW", "HK", "MO"])),
        ),
        (EUC_KR, euc_kr(bytes) + names(EUC_KR, bytes, KOREAN_SURNAMES) + near(is_from(&["KR"])) - 0.1),
        (WINDOWS_1252, windows_1252(bytes, before)),
        (WINDOWS_1251, windows_1251(bytes, before)),
    ];
    let best = candidates.into_iter().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    (best.1 >= PLAUSIBLE).then_some(best.0)
}

/// What the words of the text say: which share of those in a script of Asia begins with a family name, and whether any of
/// the first is the name of a column.
fn names(encoding: &'static Encoding, bytes: &[u8], surnames: &str) -> f64 {
    const LOOKED_AT: usize = 16 * 1024;
    let (text, _) = encoding.decode_without_bom_handling(&bytes[..bytes.len().min(LOOKED_AT)]);
    let is_separator = |c: char| matches!(c, ',' | ';' | '\t' | '|' | '"' | '\n' | '\r' | ' ');
    let words =
        || text.split(is_separator).filter(|word| word.chars().next().is_some_and(|c| c > '\u{2e7f}'));
    let (mut all, mut named) = (0.0, 0.0);
    for word in words().filter(|word| (2..=4).contains(&word.chars().count())).take(500) {
        all += 1.0;
        named += f64::from(u8::from(word.starts_with(|first| surnames.contains(first))));
    }
    let columns = words().take(12).filter(|word| words::field_of(word).is_some()).count();
    let share = if all > 0.0 { named / all } else { 0.0 };
    0.5 * share + 0.5 * (columns.min(2) as f64)
}

/// Pairs of bytes, each with the byte before it; `None` for a byte that begins no pair.
fn pairs(bytes: &[u8], before: u8) -> impl Iterator<Item = (u8, Option<(u8, u8)>)> {
    let (mut at, mut before) = (0, before);
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let lead = bytes[at];
            if lead.is_ascii() {
                (at, before) = (at + 1, lead);
                continue;
            }
            let trail =
                bytes.get(at + 1).copied().filter(|trail| *trail >= 0x40 && *trail != 0x7f && *trail != 0xff);
            let found = (before, trail.map(|trail| (lead, trail)));
            at += if trail.is_some() { 2 } else { 1 };
            before = lead;
            return Some(found);
        }
        None
    })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// A Han character behind a Latin letter is a rare sight in a list; an accented letter there is not.
fn behind_letter(before: u8, value: f64) -> f64 {
    if before.is_ascii_lowercase() { value - 1.0 } else { value }
}

fn gb18030(bytes: &[u8], before: u8) -> f64 {
    mean(pairs(bytes, before).map(|(before, pair)| match pair {
        // Four bytes: the second and the fourth are digits.
        None => -0.5,
        Some((0xb0..=0xd7, 0xa1..=0xfe)) => behind_letter(before, 1.0),
        Some((0xd8..=0xf7, 0xa1..=0xfe)) => behind_letter(before, 0.4),
        Some((0xa1..=0xa3, 0xa1..=0xfe)) => 0.5,
        Some(_) => behind_letter(before, -0.3),
    }))
}

fn big5(bytes: &[u8], before: u8) -> f64 {
    mean(pairs(bytes, before).map(|(before, pair)| match pair {
        Some((0xa4..=0xc6, 0x40..=0x7e | 0xa1..=0xfe)) => behind_letter(before, 1.0),
        Some((0xc9..=0xf9, 0x40..=0x7e | 0xa1..=0xfe)) => behind_letter(before, 0.0),
        Some((0xa1..=0xa3, 0x40..=0x7e | 0xa1..=0xfe)) => 0.5,
        _ => -1.0,
    }))
}

fn euc_kr(bytes: &[u8]) -> f64 {
    mean(pairs(bytes, b'\n').map(|(_, pair)| match pair {
        Some((0xb0..=0xc8, 0xa1..=0xfe)) => 1.0,
        Some((0xca..=0xfd, 0xa1..=0xfe)) => -0.2,
        _ => -1.0,
    }))
}

/// Each byte that is not ASCII, with those on both sides.
fn singles(bytes: &[u8], before: u8) -> impl Iterator<Item = (u8, u8, u8)> {
    (0..bytes.len()).filter(|at| !bytes[*at].is_ascii()).map(move |at| {
        let left = if at == 0 { before } else { bytes[at - 1] };
        (left, bytes[at], bytes.get(at + 1).copied().unwrap_or(b'\n'))
    })
}

/// Western Europe: an accented letter is surrounded by plain ones, seldom two in a row.
fn windows_1252(bytes: &[u8], before: u8) -> f64 {
    mean(singles(bytes, before).map(|(left, byte, right)| {
        let neighbours = u8::from(left.is_ascii_alphabetic()) + u8::from(right.is_ascii_alphabetic());
        let alone = left.is_ascii() && right.is_ascii();
        match byte {
            0xd7 | 0xf7 | 0xd0 | 0xde | 0xf0 | 0xfe => -0.5,
            0xc0..=0xff if alone && neighbours > 0 => 1.0,
            // Two in a row, as in `Größe`.
            0xc0..=0xff if neighbours > 0 => 0.7,
            // Between separators: a list of initials.
            0xc0..=0xff if alone => 0.3,
            0x8a | 0x8e | 0x9a | 0x9e | 0x8c | 0x9c | 0x9f if alone && neighbours > 0 => 0.9,
            0x91..=0x94 | 0x96 | 0x97 | 0x85 | 0x80 if alone => 0.6,
            0xa0 | 0xb4 | 0xab | 0xbb | 0xaa | 0xba | 0xa1 | 0xbf | 0xb7 | 0xb0 if alone => 0.5,
            _ => -1.5,
        }
    }))
}

/// Cyrillic: whole words of letters, a capital in front or throughout.
fn windows_1251(bytes: &[u8], before: u8) -> f64 {
    let is_letter = |byte: u8| matches!(byte, 0xc0..=0xff | 0xa8 | 0xb8);
    let is_capital = |byte: u8| matches!(byte, 0xc0..=0xdf | 0xa8);
    mean(singles(bytes, before).map(|(left, byte, right)| {
        match (is_letter(left), is_capital(byte), is_letter(right)) {
            _ if !is_letter(byte) => -1.0,
            _ if left.is_ascii_alphabetic() || right.is_ascii_alphabetic() => -1.0,
            (false, true, true) => 0.9,
            (false, true, false) => 0.2,
            (true, false, _) => 0.8,
            (false, false, _) => 0.0,
            (true, true, _) if is_capital(left) => 0.5,
            (true, true, _) => -1.5,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::encoding::encode;

    fn found(encoding: &'static Encoding, text: &str) -> Option<&'static str> {
        guess(&encode(encoding, text).unwrap(), b'\n', None).map(Encoding::name)
    }

    #[test]
    fn one_name_is_enough_for_most_people() {
        let (mut right, mut all) = (0, 0);
        let mut wrong = Vec::new();
        for (encoding, names) in [
            (
                GB18030,
                "张伟 王芳 李娜 刘洋 陈静 杨磊 赵敏 黄丽 周杰 吴霞 徐强 孙悦 马超 朱军 胡歌 林黛玉 郭靖 何炅 高圆圆 罗永浩 郑爽 梁朝伟 谢霆锋 宋慧 唐嫣 许晴 韩梅梅 冯小刚 邓超 曹操",
            ),
            (
                BIG5,
                "陳怡君 林志明 黃雅婷 張家豪 李淑芬 王建國 吳宗憲 劉德華 蔡依林 楊丞琳 許瑋甯 鄭成功 謝金燕 洪榮宏 郭富城 邱淑貞 曾國城 廖峻 賴雅妍 徐若瑄 周杰倫 葉問 蘇打綠 莊子 呂布 江蕙 何潤東 蕭敬騰 羅志祥 高金素梅",
            ),
            (EUC_KR, "김민준 이서연 박지훈 최수빈 정하은 강도윤 조예은 윤서준 장지우 임현우"),
            (
                WINDOWS_1252,
                "José Müller François Zoë Björn Chloé Jürgen Señora Núñez Größe Åsa Émile Renée Andrés García Sébastien Weiß Łódź",
            ),
            (WINDOWS_1251, "Иванов Пётр Сидоров Наталья Мария"),
        ] {
            for name in names.split(' ').filter(|name| encode(encoding, name).is_some()) {
                all += 1;
                if found(encoding, name) == Some(encoding.name()) {
                    right += 1;
                } else {
                    wrong.push((name, found(encoding, name)));
                }
            }
        }
        assert!(right * 100 >= all * 97, "{right} of {all}; wrong: {wrong:?}");
    }

    #[test]
    fn three_names_are_enough_for_all() {
        for (encoding, text) in [
            (GB18030, "name\n张伟\n王芳\n李娜\n"),
            (GB18030, "name,group\n慕容雪,销售部\n上官婉儿,财务部\n"),
            (GB18030, "1,朱镕基\n2,陈赟\n3,张喆\n"),
            (BIG5, "name\n陳怡君\n林志明\n黃雅婷\n"),
            (BIG5, "name,group\n范姜素貞,會計部\n歐陽菲菲,業務部\n"),
            (EUC_KR, "name\n김민준\n이서연\n박지훈\n"),
            (WINDOWS_1252, "1,Séan Ó Briain\n2,Zoë\n3,Ana Peña\n"),
        ] {
            assert_eq!(found(encoding, text), Some(encoding.name()), "{text}");
        }
    }

    #[test]
    fn what_reads_like_nothing_is_not_guessed() {
        for bytes in [b"\x80\x81\x82\x83".as_slice(), b"\xff\xff\xff", b"a\xb3b\xa5c", b"\x81\xb9\n\xfe\xb1z"]
        {
            assert_eq!(guess(bytes, b'\n', None).map(Encoding::name), None, "{bytes:?}");
        }
    }
}
