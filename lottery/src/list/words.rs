//! What people call the columns of a list, in English and Chinese, and the words that stand where a value is missing.

use unicode_normalization::UnicodeNormalization;

use crate::text::is_ignorable;

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The organiser's own id of the person.
    ParticipantId,
    /// The person's name.
    Name,
    /// Where an SMS reaches the person.
    Phone,
    /// Where an e-mail reaches the person.
    Email,
    /// The part of the pool to which the person belongs.
    Group,
    /// The person's chances.
    Tickets,
    /// Whether the organiser keeps the person from winning.
    Excluded,
    /// The person's first name, where the list parts the name in two.
    FirstName,
    /// The person's last name, where the list parts the name in two.
    LastName,
}

impl Field {
    /// All fields. The first seven are those of a participant.
    pub const ALL: [Self; 9] = [
        Self::ParticipantId,
        Self::Name,
        Self::Phone,
        Self::Email,
        Self::Group,
        Self::Tickets,
        Self::Excluded,
        Self::FirstName,
        Self::LastName,
    ];

    /// The name by which the API knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ParticipantId => "participant_id",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Group => "group",
            Self::Tickets => "tickets",
            Self::Excluded => "excluded",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
        }
    }

    /// The field of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// Some names of columns, for those whose header was not understood.
pub(super) const KNOWN: &str =
    "id, name, phone, email, group, tickets, excluded, 工号, 姓名, 手机号, 邮箱, 部门, 票数";

/// Names of columns as [`key`] makes them. Where two columns could be the same field, the one in the earlier list is taken:
/// `手机` before `电话`, `部门` before `单位`.
const FIRST: [(Field, &[&str]); 9] = [
    (
        Field::ParticipantId,
        &[
            "participantid",
            "employeeid",
            "employeeno",
            "employeenumber",
            "employeecode",
            "staffid",
            "staffno",
            "staffnumber",
            "personnelnumber",
            "personnelno",
            "工号",
            "员工号",
            "员工编号",
            "员工id",
            "员工工号",
            "职工号",
            "职工编号",
            "工作证号",
            "学号",
            "人员编号",
        ],
    ),
    (Field::Name, &["name", "fullname", "姓名", "员工姓名", "名字", "全名", "中文名", "姓名全称"]),
    (
        Field::Phone,
        &[
            "mobile",
            "mobilephone",
            "mobilenumber",
            "mobileno",
            "mobilephonenumber",
            "cell",
            "cellphone",
            "cellnumber",
            "cellphonenumber",
            "handy",
            "手机",
            "手机号",
            "手机号码",
            "移动电话",
            "手机电话",
            "行动电话",
            "phone",
        ],
    ),
    (
        Field::Email,
        &[
            "email",
            "emailaddress",
            "emailaddr",
            "emailid",
            "电子邮箱",
            "电子邮件",
            "邮箱",
            "邮箱地址",
            "电子邮件地址",
            "电子邮箱地址",
            "邮件地址",
            "email地址",
            "email邮箱",
        ],
    ),
    (
        Field::Group,
        &[
            "group",
            "department",
            "departmentname",
            "dept",
            "部门",
            "部门名称",
            "所属部门",
            "所在部门",
            "组别",
        ],
    ),
    (
        Field::Tickets,
        &[
            "tickets",
            "ticketcount",
            "numberoftickets",
            "票数",
            "抽奖票数",
            "奖券数",
            "抽奖次数",
            "机会数",
            "抽奖机会",
        ],
    ),
    (
        Field::Excluded,
        &["excluded", "exclude", "isexcluded", "排除", "是否排除", "不参与", "不参与抽奖", "不参加抽奖"],
    ),
    (Field::FirstName, &["firstname", "givenname", "forename", "名", "first"]),
    (Field::LastName, &["lastname", "surname", "familyname", "姓", "姓氏", "last"]),
];
const SECOND: [(Field, &[&str]); 7] = [
    (
        Field::ParticipantId,
        &[
            "id",
            "编号",
            "用户id",
            "userid",
            "memberid",
            "memberno",
            "membernumber",
            "会员号",
            "会员编号",
            "personid",
            "contactid",
            "customerid",
            "idnumber",
            "idno",
            "用户编号",
            "參與者編號",
            "編號",
            "工號",
            "員工編號",
            "學號",
            "number编号",
            "人员id",
        ],
    ),
    (
        Field::Name,
        &[
            "participant",
            "participantname",
            "attendee",
            "attendeename",
            "employeename",
            "employee",
            "staffname",
            "membername",
            "displayname",
            "contactname",
            "guestname",
            "guest",
            "names",
            "participants",
            "人员姓名",
            "参与者",
            "参与人",
            "参会人",
            "人员",
            "员工",
            "名单",
            "人员名单",
            "抽奖名单",
            "员工名单",
            "嘉宾姓名",
            "嘉宾",
            "姓名列表",
            "姓名name",
            "全名fullname",
        ],
    ),
    (
        Field::Phone,
        &[
            "phonenumber",
            "phoneno",
            "tel",
            "telephone",
            "telephonenumber",
            "telno",
            "telefon",
            "telefonnummer",
            "contactnumber",
            "contactphone",
            "sms",
            "whatsapp",
            "电话",
            "电话号码",
            "联系电话",
            "联系方式",
            "联系手机",
            "手機",
            "手機號",
            "手機號碼",
            "電話",
            "電話號碼",
            "聯絡電話",
        ],
    ),
    (
        Field::Email,
        &[
            "mail",
            "mailaddress",
            "邮件",
            "企业邮箱",
            "公司邮箱",
            "工作邮箱",
            "workemail",
            "companyemail",
            "corporateemail",
            "businessemail",
            "電子郵件",
            "電郵",
            "信箱",
            "電子信箱",
            "電子郵箱",
        ],
    ),
    (
        Field::Group,
        &[
            "team",
            "teamname",
            "groupname",
            "division",
            "unit",
            "businessunit",
            "abteilung",
            "组",
            "分组",
            "小组",
            "团队",
            "科室",
            "班组",
            "班级",
            "部門",
            "組別",
            "團隊",
            "部门组别",
        ],
    ),
    (
        Field::Tickets,
        &["chances", "entries", "numberofentries", "weight", "权重", "次数", "张数", "票數", "抽獎券數"],
    ),
    (Field::Excluded, &["blocked", "notparticipating", "黑名单", "不抽奖", "禁止中奖", "不可中奖"]),
];
const THIRD: [(Field, &[&str]); 4] = [
    (Field::Name, &["nickname", "昵称", "微信昵称", "englishname", "英文名"]),
    (
        Field::Phone,
        &[
            "workphone",
            "businessphone",
            "homephone",
            "officephone",
            "办公电话",
            "座机",
            "固定电话",
            "家庭电话",
            "mobilephone2",
        ],
    ),
    (Field::Email, &["personalemail", "homeemail", "私人邮箱", "个人邮箱", "备用邮箱", "otheremail"]),
    (
        Field::Group,
        &[
            "company",
            "公司",
            "公司名称",
            "单位",
            "单位名称",
            "organisation",
            "organization",
            "office",
            "branch",
            "class",
            "分公司",
        ],
    ),
];
/// Words for whose column it is; what follows is looked up again.
const OWNERS: [&str; 22] = [
    "participants",
    "participant",
    "employees",
    "employee",
    "staff",
    "members",
    "member",
    "attendee",
    "guest",
    "contact",
    "user",
    "customer",
    "your",
    "work",
    "员工",
    "职工",
    "人员",
    "会员",
    "客户",
    "嘉宾",
    "本人",
    "参与者",
];

/// A header as it is compared: in NFKC and lower case, without blanks, punctuation and what shows nothing, and without a
/// suffix in brackets, such as `手机号（必填）`.
pub(super) fn key(header: &str) -> String {
    let folded: String =
        header.chars().filter(|c| !is_ignorable(*c)).nfkc().collect::<String>().to_lowercase();
    let outside = match folded.find(['(', '[', '【', '〔']) {
        Some(at) if at > 0 => &folded[..at],
        _ => folded.as_str(),
    };
    outside.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The field that a header names, and how well: 0 is best.
pub(super) fn field_of(header: &str) -> Option<(Field, u8)> {
    let key = key(header);
    if key.is_empty() || key.chars().count() > 40 {
        return None;
    }
    let found = look_up(&key).or_else(|| {
        let numbered = key.trim_end_matches(|c: char| c.is_ascii_digit());
        (numbered.len() < key.len()).then(|| look_up(numbered)).flatten()
    });
    found.or_else(|| {
        let rest = OWNERS.iter().find_map(|owner| key.strip_prefix(owner))?;
        look_up(rest).map(|(field, rank)| (field, rank + 3))
    })
}

fn look_up(key: &str) -> Option<(Field, u8)> {
    let lists = [(0, FIRST.as_slice()), (1, SECOND.as_slice()), (2, THIRD.as_slice())];
    let find = |(rank, list): (u8, &[(Field, &[&str])])| {
        list.iter().find(|(_, words)| words.contains(&key)).map(|(field, _)| (*field, rank))
    };
    lists.into_iter().find_map(find)
}

/// Whether a cell where an address should stand says that there is none.
pub(super) fn is_no_address(text: &str) -> bool {
    let shown: String = text.chars().filter(|c| !is_ignorable(*c)).nfkc().collect::<String>().to_lowercase();
    let word = shown.trim().trim_matches(['.', '(', ')', '[', ']', '<', '>', '。']).trim();
    const NONE: [&str; 45] = [
        "",
        "n/a",
        "n.a",
        "na",
        "n\\a",
        "#n/a",
        "none",
        "null",
        "nil",
        "no",
        "nan",
        "undefined",
        "unknown",
        "missing",
        "empty",
        "blank",
        "not available",
        "not applicable",
        "not provided",
        "no phone",
        "no email",
        "no e-mail",
        "no mobile",
        "no number",
        "tbd",
        "tbc",
        "keine",
        "ohne",
        "无",
        "無",
        "没有",
        "沒有",
        "暂无",
        "暫無",
        "未知",
        "未填",
        "未填写",
        "未提供",
        "空",
        "无手机",
        "无手机号",
        "无电话",
        "无邮箱",
        "不详",
        "保密",
    ];
    let is_dashes = word.chars().all(|c| {
        matches!(
            c,
            '-' | '—'
                | '–'
                | '_'
                | '/'
                | '\\'
                | '*'
                | '.'
                | '?'
                | '、'
                | '‐'
                | '‑'
                | '―'
                | '−'
                | '·'
                | '…'
                | 'ー'
        ) || c.is_whitespace()
    });
    let is_zeros = word.chars().all(|c| c == '0');
    is_dashes || is_zeros || NONE.contains(&word)
}

/// Whether a cell begins a line of totals.
pub(super) fn is_total(text: &str) -> bool {
    const TOTALS: [&str; 25] = [
        "total",
        "totals",
        "grandtotal",
        "subtotal",
        "sum",
        "sumtotal",
        "totalcount",
        "totalparticipants",
        "totaltickets",
        "totalpeople",
        "gesamt",
        "summe",
        "合计",
        "总计",
        "小计",
        "共计",
        "总数",
        "总人数",
        "合计人数",
        "汇总",
        "总和",
        "合計",
        "總計",
        "小計",
        "共計",
    ];
    let trimmed = text.trim();
    let head = trimmed.split([':', '：', '=', '(', '（']).next().unwrap_or_default();
    let word: String = key(head).chars().filter(|c| !c.is_ascii_digit()).collect();
    let word = word.trim_end_matches(['人', '名', '位', '张']);
    TOTALS.contains(&word) || (word == "共" && trimmed.chars().any(|c| c.is_ascii_digit()))
}

/// Whether a cell begins a note below a list: its author, the date of printing.
pub(super) fn is_note(text: &str) -> bool {
    const NOTES: [&str; 28] = [
        "note",
        "notes",
        "remark",
        "remarks",
        "source",
        "printed",
        "printedon",
        "generated",
        "generatedon",
        "generatedby",
        "exported",
        "exportedon",
        "exportedby",
        "preparedby",
        "createdby",
        "asof",
        "制表人",
        "制表",
        "制表日期",
        "制表时间",
        "审核人",
        "审核",
        "打印时间",
        "打印日期",
        "导出时间",
        "备注",
        "说明",
        "注",
    ];
    let Some((head, _)) = text.split_once([':', '：']) else { return false };
    NOTES.contains(&key(head).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_as_people_name_them() {
        for (header, field) in [
            ("participant_id", Field::ParticipantId),
            ("Participant ID", Field::ParticipantId),
            ("工号", Field::ParticipantId),
            ("编号", Field::ParticipantId),
            ("ID", Field::ParticipantId),
            ("Employee ID", Field::ParticipantId),
            ("员工编号", Field::ParticipantId),
            ("Staff No.", Field::ParticipantId),
            ("学号", Field::ParticipantId),
            ("姓名", Field::Name),
            ("名字", Field::Name),
            ("姓 名", Field::Name),
            ("Full Name", Field::Name),
            ("NAME", Field::Name),
            ("员工姓名", Field::Name),
            ("Employee Name", Field::Name),
            ("Participant Full Name", Field::Name),
            ("手机号", Field::Phone),
            ("手机", Field::Phone),
            ("电话", Field::Phone),
            ("手机号码（必填）", Field::Phone),
            ("联系电话", Field::Phone),
            ("Phone Number", Field::Phone),
            ("Mobile", Field::Phone),
            ("Cell-Phone", Field::Phone),
            ("Phone 1", Field::Phone),
            ("邮箱", Field::Email),
            ("电子邮箱", Field::Email),
            ("电子邮件", Field::Email),
            ("E-mail", Field::Email),
            ("Email Address", Field::Email),
            ("EMAIL*", Field::Email),
            ("部门", Field::Group),
            ("组", Field::Group),
            ("Department", Field::Group),
            ("Team", Field::Group),
            ("所属部门", Field::Group),
            ("票数", Field::Tickets),
            ("Tickets", Field::Tickets),
            ("excluded", Field::Excluded),
            ("First Name", Field::FirstName),
            ("Last_Name", Field::LastName),
            ("Surname", Field::LastName),
            ("\u{200b}name\u{feff}", Field::Name),
            ("\u{a0}Full\u{a0}Name ", Field::Name),
            ("ＮＡＭＥ", Field::Name),
            ("手機", Field::Phone),
            ("部門", Field::Group),
            ("\u{202a}phone\u{202c}", Field::Phone),
            ("Work Email", Field::Email),
            ("Employee's Name", Field::Name),
        ] {
            assert_eq!(field_of(header).map(|(field, _)| field), Some(field), "{header:?}");
        }
        for header in [
            "",
            "序号",
            "No.",
            "性别",
            "Badge",
            "Notes",
            "身份证号",
            "Gender",
            "地址",
            "Seat",
            "入职日期",
            "Rose",
            "张伟",
        ] {
            assert_eq!(field_of(header), None, "{header:?}");
        }
    }

    #[test]
    fn each_field_is_known_by_the_name_that_the_api_gives_it() {
        for field in Field::ALL {
            assert_eq!(Field::parse(field.name()), Some(field));
            assert_eq!(field_of(field.name()), Some((field, 0)));
        }
    }

    #[test]
    fn words_that_say_there_is_no_address() {
        for text in [
            "N/A",
            "n/a",
            "-",
            "--",
            "—",
            "无",
            "none",
            "NULL",
            "没有",
            "/",
            "（无）",
            "nil",
            " - ",
            "#N/A",
            "０",
            "暂无",
            "N.A.",
            "未填写",
        ] {
            assert!(is_no_address(text), "{text}");
        }
        for text in ["13800138000", "rose@example.com", "no@example.com", "call me"] {
            assert!(!is_no_address(text), "{text}");
        }
    }

    #[test]
    fn lines_of_totals_and_notes_are_told_from_people() {
        for text in [
            "Total",
            "TOTAL:",
            "合计",
            "总计：300",
            "合计 300 人",
            "Total: 300",
            "Grand Total",
            "小计",
            "共 300 人",
            "Sum",
        ] {
            assert!(is_total(text), "{text}");
        }
        for text in ["制表人：李雷", "Note: as of today", "打印时间: 2026-11-28"] {
            assert!(is_note(text), "{text}");
        }
        for text in ["Rose", "共小明", "张伟", "Summer", "注册", "Totalia Rossi"] {
            assert!(!is_total(text) && !is_note(text), "{text}");
        }
    }
}
