//! Who may do what: a row for each operation of the OpenAPI document. A new operation needs one.

use super::who::Who::{self, *};

/// Whom an operation answers. Everybody else gets 401 without a proof that the operation takes, and 403 with one.
pub struct Access {
    /// These get what they ask for.
    pub allowed: &'static [Who],
    /// These have the right role, but the thing is not theirs: 404, as if it did not exist.
    pub hidden: &'static [Who],
}

/// Open to everybody, whatever they send.
const PUBLIC: Access = Access { allowed: Who::ALL, hidden: &[] };

/// Lists what the search site made, or makes something new.
const SITES: Access = Access { allowed: &[Site, OtherSite], hidden: &[] };

/// About a reservation of a search site.
const SITE_OF_RESERVATION: Access = Access { allowed: &[Site], hidden: &[OtherSite] };

/// Lists what is linked to the ICT system.
const ICTS: Access = Access { allowed: &[Ict, OtherIct, UnlinkedIct], hidden: &[] };

/// About a nursery of an ICT system.
const LINKED_ICT: Access = Access { allowed: &[Ict], hidden: &[OtherIct, UnlinkedIct] };

/// Lists what the vendor made, or makes something new.
const VENDORS: Access =
    Access { allowed: &[Site, OtherSite, Ict, OtherIct, UnlinkedIct], hidden: &[] };

/// About something that a vendor made.
const OWNING_VENDOR: Access =
    Access { allowed: &[Site], hidden: &[OtherSite, Ict, OtherIct, UnlinkedIct] };

/// For the staff of the nursery alone.
const STAFF_OF_FACILITY: Access =
    Access { allowed: &[Staff], hidden: &[NeighbourStaff, OtherStaff, StaffOfNothing] };

/// For everybody who looks after the nursery.
const PEOPLE_OF_FACILITY: Access = Access {
    allowed: &[Staff, Municipality, Operator],
    hidden: &[NeighbourStaff, OtherStaff, StaffOfNothing, OtherMunicipality],
};

/// Makes something new for the municipality of its caller, or for all.
const AUTHORITIES: Access =
    Access { allowed: &[Municipality, OtherMunicipality, Operator], hidden: &[] };

/// About the municipality of the nursery.
const MUNICIPALITY: Access =
    Access { allowed: &[Municipality, Operator], hidden: &[OtherMunicipality] };

/// Reads the visit of a parent. A browser gives the answer to no other page, so the origin does not matter.
const PARENT_READS: Access = Access { allowed: &[Parent, ParentElsewhere], hidden: &[OtherParent] };

/// Changes the visit of a parent.
const PARENT_ACTS: Access = Access { allowed: &[Parent], hidden: &[OtherParent] };

/// By `operationId`.
pub const ROWS: &[(&str, Access)] = &[
    ("openapi", PUBLIC),
    ("problem", PUBLIC),
    ("staff", PUBLIC),
    ("notice_page", PUBLIC),
    ("confirm_address", PUBLIC),
    ("search_facilities", PUBLIC),
    ("get_facility", PUBLIC),
    ("list_slots", PUBLIC),
    ("slots_feed", PUBLIC),
    ("facilities_feed", PUBLIC),
    ("vacancies_feed", PUBLIC),
    ("procedures_feed", PUBLIC),
    ("list_municipalities", PUBLIC),
    ("catalog", PUBLIC),
    ("list_codes", PUBLIC),
    ("list_procedures", PUBLIC),
    ("list_vacancies", PUBLIC),
    ("vacancies_csv", PUBLIC),
    ("vacancies_json", PUBLIC),
    ("vacancies_html", PUBLIC),
    ("request_on_portal", PUBLIC),
    ("visit_page", PUBLIC),
    ("open_session", PUBLIC),
    ("get_visit", PARENT_READS),
    ("confirm_visit", PARENT_ACTS),
    ("cancel_visit", PARENT_ACTS),
    ("list_reservations", SITES),
    ("request_reservation", SITES),
    ("get_reservation", SITE_OF_RESERVATION),
    ("cancel_reservation", SITE_OF_RESERVATION),
    ("list_webhook_endpoints", VENDORS),
    ("create_webhook_endpoint", VENDORS),
    ("get_webhook_endpoint", OWNING_VENDOR),
    ("delete_webhook_endpoint", OWNING_VENDOR),
    ("ict_list_facilities", ICTS),
    ("ict_new_count", LINKED_ICT),
    ("ict_list_reservations", LINKED_ICT),
    ("ict_approve", LINKED_ICT),
    ("ict_decline", LINKED_ICT),
    ("staff_get_reservation", PEOPLE_OF_FACILITY),
    ("staff_list_reservations", PEOPLE_OF_FACILITY),
    ("staff_approve", STAFF_OF_FACILITY),
    ("staff_decline", STAFF_OF_FACILITY),
    ("staff_cancel", STAFF_OF_FACILITY),
    ("staff_complete", STAFF_OF_FACILITY),
    ("staff_no_show", STAFF_OF_FACILITY),
    ("staff_memo", STAFF_OF_FACILITY),
    ("book", STAFF_OF_FACILITY),
    ("get_settings", STAFF_OF_FACILITY),
    ("put_settings", STAFF_OF_FACILITY),
    ("staff_list_slots", STAFF_OF_FACILITY),
    ("open_slot", STAFF_OF_FACILITY),
    ("open_slots", STAFF_OF_FACILITY),
    ("get_slot", STAFF_OF_FACILITY),
    ("put_slot", STAFF_OF_FACILITY),
    ("copy_slot", STAFF_OF_FACILITY),
    ("disable_slot", STAFF_OF_FACILITY),
    ("create_change_request", STAFF_OF_FACILITY),
    ("confirm_information", STAFF_OF_FACILITY),
    ("list_change_requests", STAFF_OF_FACILITY),
    ("get_own_change_request", STAFF_OF_FACILITY),
    ("edit_change_request", STAFF_OF_FACILITY),
    ("facility_history", STAFF_OF_FACILITY),
    ("review_change_requests", MUNICIPALITY),
    ("get_change_request", MUNICIPALITY),
    ("correct_change_request", MUNICIPALITY),
    ("approve_change_request", MUNICIPALITY),
    ("reject_change_request", MUNICIPALITY),
    ("approve_change_requests", AUTHORITIES),
    ("dashboard", MUNICIPALITY),
    ("get_report", MUNICIPALITY),
    ("request_import", AUTHORITIES),
    ("get_import", MUNICIPALITY),
    ("get_import_errors", MUNICIPALITY),
    ("export_dataset", MUNICIPALITY),
];

/// Who may learn the number of the reservation.
pub const KNOW_RESERVATION: &[Who] =
    &[Site, Ict, Staff, Municipality, Operator, Parent, ParentElsewhere];

/// Who may learn the number of the other nursery's reservation.
pub const KNOW_OTHER_RESERVATION: &[Who] =
    &[OtherSite, OtherIct, OtherStaff, OtherMunicipality, Operator, OtherParent];

/// Who may read name, telephone, mail address and message of the family.
pub const KNOW_FAMILY: &[Who] = &[Staff, Municipality];
