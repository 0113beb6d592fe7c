//! The table: what is asked, to whom it is allowed, and what the answer leaves out for them.
//!
//! Sources: code de l'éducation L131-8, R131-5 to R131-7 (absences); code civil 371-1, 372, 373-2-1
//! (both parents are told the same; surveillance), 371-2 and circulaire 74-325 of 13 September 1974
//! (students of age); CNIL, délibération 2021-122 (logs). The minister's and CNIL's texts say who is
//! to be told, not who works with which screen: where they are silent, whoever does not need a
//! thing for their work is not shown it. Who holds a rule on which day is not told here.

use super::{Action, Mask, Rule, Scope};

/// What is allowed: those who see most come first.
pub(super) type Row = &'static [(Mask, &'static [Rule])];

/// Whom a thing is about, if that changes who may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    /// A student of the school.
    Student,
    /// Somebody who answers for one.
    Guardian,
    /// Somebody who works there.
    Staff,
    /// Somebody whom the school gave a mandate.
    Mandated,
    /// Nobody, or somebody who is nothing of all this, yet or any more.
    Nobody,
    /// Somebody of other schools only, or whose account opens more than this school could allow.
    Beyond,
}

/// Nothing is left out.
const WHOLE: Mask = Mask {
    neutral_reasons: false,
    contacts: false,
    other_home: false,
    judgments: false,
    content: false,
};
/// Who and when; neither why, nor where they live.
const OUTLINE: Mask =
    Mask { neutral_reasons: true, contacts: true, other_home: true, judgments: true, ..WHOLE };
/// Health and religion are the nurse's and the social worker's to hear from the family itself.
const NEUTRAL: Mask = Mask { neutral_reasons: true, ..WHOLE };
/// What a guardian knows already, or is told as the other one is.
const OWN_HOME: Mask = Mask { other_home: true, judgments: true, ..WHOLE };
/// What a parent under surveillance is told: what matters, not the detail of each day.
const WHAT_MATTERS: Mask = Mask { neutral_reasons: true, ..OWN_HOME };
/// Who answers for the student, as far as one's own home goes.
const NAMES_AT_HOME: Mask = Mask { contacts: true, ..OWN_HOME };
/// Who answers for the student, in both homes: a child's account is often open before a parent.
const NAMES: Mask = Mask { contacts: true, judgments: true, ..WHOLE };
/// That something happened.
const TRACES: Mask = Mask { content: true, ..OUTLINE };

/// Who may do this to whom, and sees what of it.
#[expect(clippy::too_many_lines, reason = "one table, to be read as one")]
pub(super) fn rights(action: Action, whom: Whom) -> Row {
    use Action as A;
    use Rule as R;
    match action {
        A::OpenSchool => &[(WHOLE, &[R::Administrator])],
        A::ReadSchool => {
            &[(WHOLE, &[R::OfSchool, R::Administrator, R::Auditor, R::DataProtection])]
        }
        A::ManageSchool => &[(WHOLE, &[R::Head, R::Administrator])],

        A::ListStudents => {
            &[(WHOLE, &[R::Head, R::Cpe, R::Nurse, R::SocialWorker]), (OUTLINE, &[R::Assistant])]
        }
        A::ListStaff => &[(WHOLE, &[R::Head]), (OUTLINE, &[R::Staff, R::Administrator])],
        A::ReadPerson => match whom {
            Whom::Student => &[
                (WHOLE, &[R::Own, R::Head, R::Cpe, R::Nurse, R::SocialWorker]),
                (OWN_HOME, &[R::Guardian, R::Surveillance]),
                (OUTLINE, &[R::Assistant, R::TeacherOfClass, R::ParentOfStudentOfAge]),
            ],
            Whom::Guardian => &[(WHOLE, &[R::Own, R::Head, R::Cpe, R::Nurse, R::SocialWorker])],
            Whom::Staff => &[(WHOLE, &[R::Own, R::Head]), (OUTLINE, &[R::Staff, R::Administrator])],
            Whom::Nobody | Whom::Mandated => &[(WHOLE, &[R::Own, R::Head])],
            Whom::Beyond => &[(WHOLE, &[R::Own]), (OUTLINE, &[R::Head])],
        },
        A::ManagePeople => match whom {
            Whom::Student | Whom::Guardian | Whom::Staff | Whom::Mandated | Whom::Nobody => {
                &[(WHOLE, &[R::Head])]
            }
            Whom::Beyond => &[],
        },
        A::ManageContacts => match whom {
            Whom::Student | Whom::Guardian => &[(WHOLE, &[R::Own, R::Head, R::Cpe])],
            Whom::Staff | Whom::Mandated | Whom::Nobody => &[(WHOLE, &[R::Own, R::Head])],
            Whom::Beyond => &[(WHOLE, &[R::Own])],
        },

        A::ReadFamily => &[
            (WHOLE, &[R::OfAge, R::Head, R::Cpe, R::Nurse, R::SocialWorker]),
            (NAMES, &[R::Own]),
            (NAMES_AT_HOME, &[R::Guardian, R::Surveillance]),
        ],
        A::ManageFamily => match whom {
            Whom::Student => &[(WHOLE, &[R::Head])],
            Whom::Guardian | Whom::Staff | Whom::Mandated | Whom::Nobody | Whom::Beyond => &[],
        },

        A::ListClasses => &[(WHOLE, &[R::Staff])],
        A::ReadClass => {
            &[(WHOLE, &[R::Head, R::Cpe]), (OUTLINE, &[R::Assistant, R::TeacherOfClass])]
        }
        A::ManageClasses => &[(WHOLE, &[R::Head])],
        A::ReadTimetable => {
            &[(WHOLE, &[R::Own, R::InClass, R::Guardian, R::Surveillance, R::Staff])]
        }
        A::ManageTimetable => &[(WHOLE, &[R::Head, R::Cpe])],

        A::ListRollCalls => &[(WHOLE, &[R::Head, R::Cpe, R::Assistant])],
        A::ReadRollCall => {
            &[(WHOLE, &[R::Head, R::Cpe]), (OUTLINE, &[R::Assistant, R::TeacherOfClass])]
        }
        A::TakeRollCall => &[(WHOLE, &[R::Head, R::Cpe, R::Assistant, R::TeacherOfClass])],

        A::ListAbsences => &[(WHOLE, &[R::Head, R::Cpe]), (OUTLINE, &[R::Assistant])],
        A::ReadAttendance => &[
            (WHOLE, &[R::Own, R::Head, R::Cpe]),
            (NEUTRAL, &[R::Nurse, R::SocialWorker]),
            (OWN_HOME, &[R::Guardian]),
            (WHAT_MATTERS, &[R::Surveillance]),
            (OUTLINE, &[R::ParentOfStudentOfAge, R::Assistant]),
        ],
        A::RecordAbsence => &[(WHOLE, &[R::Head, R::Cpe, R::Assistant])],
        A::AnnounceAbsence | A::GiveReason => {
            &[(WHOLE, &[R::OfAge, R::Guardian, R::Head, R::Cpe, R::Assistant])]
        }
        A::ReadDocument | A::QualifyAbsence => &[(WHOLE, &[R::Head, R::Cpe])],

        // Alerts tell no reason and no address: there is nothing to leave out for anybody.
        A::ListAlerts | A::CallFamily => &[(WHOLE, &[R::Head, R::Cpe, R::Assistant])],
        A::ReadBoard => &[(WHOLE, &[R::Head, R::Cpe]), (OUTLINE, &[R::Assistant])],
        A::ReadAlerts => &[
            (WHOLE, &[R::Head, R::Cpe, R::Assistant]),
            (OWN_HOME, &[R::OfAge, R::Guardian, R::ParentOfStudentOfAge, R::InCharge]),
        ],
        A::AcknowledgeAlert => {
            &[(WHOLE, &[R::OfAge, R::Guardian, R::ParentOfStudentOfAge, R::InCharge])]
        }

        A::ListFollowUps => &[(WHOLE, &[R::Head, R::Cpe]), (OUTLINE, &[R::Assistant])],
        A::ReadFollowUp | A::NoteFollowUp => &[(WHOLE, &[R::Head, R::Cpe])],

        A::ReadHistory => &[(WHOLE, &[R::Head]), (TRACES, &[R::Auditor, R::DataProtection])],
        A::ReadAccessLog => &[(WHOLE, &[R::Auditor, R::DataProtection])],
        A::ImportFiles => &[(WHOLE, &[R::Head]), (TRACES, &[R::Administrator])],
        A::ManageAccounts => match whom {
            Whom::Student | Whom::Guardian => &[(WHOLE, &[R::Head, R::Cpe])],
            Whom::Staff => &[(WHOLE, &[R::Head, R::Administrator])],
            Whom::Mandated | Whom::Nobody => &[(WHOLE, &[R::Head])],
            Whom::Beyond => &[],
        },
        A::RemoveSecondFactor => match whom {
            Whom::Student | Whom::Guardian => &[(WHOLE, &[R::Head, R::Cpe])],
            Whom::Staff | Whom::Mandated | Whom::Nobody => &[(WHOLE, &[R::Head])],
            Whom::Beyond => &[],
        },
        A::GiveMandates => &[(WHOLE, &[R::Head])],
        A::OwnAccount => &[(WHOLE, &[R::Own])],
    }
}

/// What is left out for those who may most by their work; none if only whoever it is about may.
pub(super) fn by_work(action: Action, whom: Whom) -> Option<Mask> {
    let works = |rules: &[Rule]| rules.iter().any(|rule| !matches!(rule, Rule::Own | Rule::OfAge));
    let lines = rights(action, whom).iter();
    lines.filter(|(_, rules)| works(rules)).map(|(mask, _)| *mask).next()
}

/// What a program's token is good for.
pub(super) fn scope_allows(scope: Scope, action: Action) -> bool {
    use Action as A;
    match scope {
        Scope::Everything => true,
        Scope::Read => matches!(
            action,
            A::ReadSchool
                | A::ListStudents
                | A::ListStaff
                | A::ReadPerson
                | A::ReadFamily
                | A::ListClasses
                | A::ReadClass
                | A::ReadTimetable
                | A::ListRollCalls
                | A::ReadRollCall
                | A::ListAbsences
                | A::ReadAttendance
                | A::ListAlerts
                | A::ReadBoard
                | A::ReadAlerts
                | A::ListFollowUps
                | A::ReadFollowUp
        ),
        Scope::Import => matches!(action, A::ReadSchool | A::ImportFiles),
    }
}
