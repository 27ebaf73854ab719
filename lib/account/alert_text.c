/* SPDX-License-Identifier: Apache-2.0 */
/* The words of every alert, in one place. They claim what was checked and no more: a signature that fits says who
 * holds a key, a logged entry says what the log shows to everybody, and neither says who did it or why. */
#include <kt/alert.h>

static const struct kt_alert_text unknown_device = {
  "A device you never approved is listed in your account.",
  "People who write to you may now also encrypt to this device, and whoever holds it could read those messages. The "
  "entry is in the public log, so it cannot be taken back unseen. It is not known who added it: a computer of yours "
  "that this one does not know about, somebody with a copy of your account key, or the operator of the log. The "
  "entry by itself does not open messages that were sent before it.",
  "Look at it:\n"
  "    kt-verify device list {label}\n"
  "If it is NOT yours:\n"
  "    kt-verify device remove {label} {device}\n"
  "If you know it:\n"
  "    kt-verify monitor approve {label} {device}\n"
  "Decide by the id and fingerprints shown there, not by the name: whoever adds a device chooses its name. Until it is "
  "removed, agree with your contacts by another channel to send nothing secret.",
};

static const struct kt_alert_text version_not_mine_owner = {
  "Your account has a version that this computer did not publish.",
  "Somebody changed the entry of your account. Each device that you did not approve or that vanished has an alert of "
  "its own; without one, the change touched other things, such as names. It may have been another computer on which "
  "you use this account, somebody with a copy of your account key, or the operator of the log.",
  "Look at the account:\n"
  "    kt-verify device list {label}\n"
  "If it was another computer of yours:\n"
  "    kt-verify alerts ack {id}\n"
  "If it was not you, remove what does not belong, which publishes a list signed by you, and then replace the account "
  "key, of which somebody may have a copy:\n"
  "    kt-verify device remove {label} DEVICE\n"
  "    kt-verify account rotate {label}",
};

static const struct kt_alert_text key_replaced = {
  "Your account key was replaced.",
  "The log has a new account key for your account, and the one on this computer is no longer accepted: nothing can be "
  "published from here. Your old key, or one of your recovery keys, signed for the new one, so it was you on another "
  "computer, or somebody who has a copy of one of these. Your contacts see a note about it and no alert. Whoever holds "
  "the new key decides which devices are listed in your name.",
  "If it was you, bring the new key here. On the computer that has it, then on this one:\n"
  "    kt-verify account export {label} > FILE\n"
  "    kt-verify account import {label} < FILE\n"
  "If it was not you, take the account back at once with a recovery key that you have on paper:\n"
  "    kt-verify account recovery-key use {label}\n"
  "Without a paper, or if it is refused: ask the operator of the log to put a key of yours in place, and prove to them "
  "who you are. See whether your other computers show the same alert.\n"
  "Tell your contacts, by another channel, to send nothing secret, and compare codes with them when it is settled.\n"
  "When it is settled:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text version_not_mine_contact = {
  "The log shows an older list of this contact's devices as if it were new.",
  "The list is signed by your contact, but it is not newer than one you have already seen, so your contact did not "
  "publish it as the present one. Devices that were removed may be back in it. The newer list was verified before; why "
  "the older one was logged again is not known.",
  "Until this is settled nothing in that list counts as endorsed. Tell your contact by another channel, then look "
  "again:\n"
  "    kt-verify lookup {label}\n"
  "When it is settled:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text device_removed = {
  "A device that you approved is gone from your account, and you did not remove it.",
  "New messages may no longer be encrypted to that device, so it may miss them. Nobody gains access to anything by "
  "this entry alone. It is not known who removed it.",
  "Look at the account:\n"
  "    kt-verify device list {label}\n"
  "If the removal is right:\n"
  "    kt-verify alerts ack {id}\n"
  "If you want it back, add it again from its own keys:\n"
  "    kt-verify device add {label} --name NAME --key ALG:BASE64",
};

static const struct kt_alert_text account_key_changed_owner = {
  "The log shows a new account key for your account that your key did not endorse.",
  "Whoever holds that key can list devices in your name; your contacts get an alert too. If you lost your key and had "
  "the operator set a new one, this is what that looks like. Otherwise somebody tries to take over the account, and it "
  "is not known who. Your own key counts in the log until the new key publishes a list of its own, so do not wait.",
  "If you did NOT ask for a new key, publish your own list again, signed by your key. See which devices are listed:\n"
  "    kt-verify device list {label}\n"
  "then remove one that is not yours, or approve one that is; each publishes your list:\n"
  "    kt-verify device remove {label} DEVICE\n"
  "    kt-verify monitor approve {label} DEVICE\n"
  "and tell your contacts by another channel.\n"
  "If the new key is yours:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text account_key_changed_contact = {
  "The account key of this contact changed, and the old key did not endorse the new one.",
  "Either your contact lost the key and started over, or somebody else - the operator of the log could do this - put a "
  "key of their own in its place to read what you send. From here the two look the same.",
  "Send nothing secret yet. Ask your contact by voice or in person, then compare codes:\n"
  "    kt-verify code show {label}\n"
  "    kt-verify code compare {label} DIGITS\n"
  "or meet and scan each other's screens:\n"
  "    kt-verify code qr {label}\n"
  "If they match, the new key is your contact's and this is settled. If your contact knows nothing of a new key, keep "
  "the evidence:\n"
  "    kt-verify alerts list",
};

static const struct kt_alert_text account_key_rotated = {
  "This contact has a new account key, endorsed by the one you know.",
  "The old key, or a recovery key that it listed, signed for the new one, so your contact, or somebody who holds a "
  "copy of one of these keys, made the change. Codes that you compared before are of the old key.",
  "To be sure, compare codes once more:\n"
  "    kt-verify code show {label}\n"
  "    kt-verify code compare {label} DIGITS",
};

static const struct kt_alert_text unsigned_set_owner = {
  "The newest list of your devices is not validly signed by your account key.",
  "Only the operator of the log can add such a list, by intent, by mistake or because they were forced to. Your "
  "contacts are told as well and do not treat its devices as yours.",
  "Look at the list:\n"
  "    kt-verify device list {label}\n"
  "Publish your own again, signed by your key: remove what is not yours, or approve what is:\n"
  "    kt-verify device remove {label} DEVICE\n"
  "    kt-verify monitor approve {label} DEVICE\n"
  "If you arranged this with the operator:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text unsigned_set_contact = {
  "The list of this contact's devices is not validly signed by your contact.",
  "The operator of the log put it there; nothing shows that your contact knows of these devices. In a log whose "
  "accounts the operator sets up, this can be how every account starts. If you saw this contact's signed list before, "
  "it should not happen.",
  "Do not encrypt to these devices before you have asked your contact by another channel.\n"
  "If your log works that way and you accept it:\n"
  "    kt-verify lookup {label} --allow-unsigned\n"
  "When it is settled:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text contact_device_added = {
  "This contact has a new device, endorsed by the account key you know.",
  "The list is signed by the key you have on record, so your contact, or somebody who holds a copy of that key, added "
  "the device. What you send from now on can be read on it as well.",
  "Look at it:\n"
  "    kt-verify lookup {label}\n"
  "If you did not expect it, ask your contact whether the device is theirs. If it is:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text contact_device_noted = {
  "This contact has a new device, endorsed by the account key you know.",
  "The list is signed by the key you have on record, so your contact, or somebody who holds a copy of that key, added "
  "the device. What you send from now on can be read on it as well.",
  "Nothing needs doing. If you did not expect it, ask your contact whether the device is theirs.\n"
  "To get an alert for every new device of this contact:\n"
  "    kt-verify contact policy {label} strict",
};

static const struct kt_alert_text code_mismatch = {
  "The codes do not match.",
  "You and the other person see different account keys, or one of the codes belongs to another pair of people, is out "
  "of date, or was mistyped. If it is none of these, somebody may stand between you.",
  "Send nothing secret yet. Both of you look up the other again and compare once more:\n"
  "    kt-verify lookup {label}\n"
  "    kt-verify code show {label}\n"
  "    kt-verify code compare {label} DIGITS\n"
  "A match settles this alert. If the codes differ again, meet in person and scan each other's screens:\n"
  "    kt-verify code qr {label}",
};

static const struct kt_alert_text fork = {
  "The log shows different histories to different people.",
  "What the log showed here and what it showed at another time, or to somebody else, cannot both be true. From now on "
  "nothing this log says can be relied on, for any account, until somebody explains it. What was shown to whom is not "
  "known, nor whether it was aimed at you. It is proof to others when the log signed both.",
  "Keep the evidence and give it to others; they can check it without trusting you:\n"
  "    kt-verify evidence list\n"
  "    kt-verify evidence export ID FILE\n"
  "A code that was scanned carries no signatures: then exchange files with the other person, which makes evidence:\n"
  "    kt-verify log distinguished > FILE\n"
  "    kt-verify log check FILE\n"
  "Send nothing secret on the strength of this log, and ask its operator in public. Once you have dealt with it:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text rollback = {
  "The log shows less than it showed before.",
  "An earlier signed statement covers entries that the log now leaves out. A server restored from an old backup looks "
  "like this, and so does an attempt to hide entries. Which one it is cannot be told from here.",
  "The earlier statement is kept and nothing older is accepted in its place. Save the evidence, then try again later:\n"
  "    kt-verify evidence list\n"
  "    kt-verify evidence export ID FILE\n"
  "If it lasts, ask the operator. Once you have dealt with it:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text monitor_blind = {
  "Your account has not been checked successfully for longer than the log's monitoring window.",
  "Nothing wrong was seen, but nothing was seen at all: a change of your account in this time would not have been "
  "noticed. The cause may be the network, the server, the clock of this computer, or somebody who blocks the check.",
  "Check the date and time of this computer and its network, then run:\n"
  "    kt-verify monitor once\n"
  "If that fails from here, try another network. What is overdue:\n"
  "    kt-verify monitor status",
};

static const struct kt_alert_text auditor_missing = {
  "The auditor's statement about this log is absent or too old.",
  "The auditor checks that entries of the log are not changed or hidden. Without a recent statement of theirs, what "
  "the log says now is unconfirmed: undecided, not wrong. It may be an outage at the auditor or at the log.",
  "Try again later:\n"
  "    kt-verify log head\n"
  "If it lasts longer than a day, ask the auditor and the operator of the log. You can check every entry yourself:\n"
  "    kt-verify audit",
};

static const struct kt_alert_text credential_unconfirmed = {
  "A credential that you received was never confirmed by the log.",
  "It was provisional: it showed devices that the log had promised to keep for its regular checks. That time is over, "
  "and the log neither shows them there nor has another proof. Either the log took back what it had signed, or it "
  "refuses to answer. Whether it was aimed at you is not known.",
  "Do not rely on what that credential showed. See what the log shows now:\n"
  "    kt-verify lookup {label}\n"
  "The credential was saved, and is listed by:\n"
  "    kt-verify evidence list\n"
  "Tell {label}, and ask the log's operator. Then:\n"
  "    kt-verify alerts ack {id}",
};

static const struct kt_alert_text test = {
  "This is a test. Nothing is wrong.",
  "Somebody who uses this computer ran kt-verify monitor test-alert to see whether alerts arrive. This one did.",
  "There is nothing to do. How alerts are handed on:\n"
  "    kt-verify monitor status",
};

static const struct kt_alert_text *account_key_changed(const struct kt_alert *alert)
{
  if (alert->is_note) {
    return &account_key_rotated;
  }
  return alert->audience == KT_AUDIENCE_CONTACT ? &account_key_changed_contact : &account_key_changed_owner;
}

const struct kt_alert_text *kt_alert_text(const struct kt_alert *alert)
{
  bool contact = alert->audience == KT_AUDIENCE_CONTACT;
  if (alert->key_replaced) {
    return &key_replaced;
  }
  switch (alert->kind) {
  case KT_ALERT_UNKNOWN_DEVICE: return &unknown_device;
  case KT_ALERT_VERSION_NOT_MINE: return contact ? &version_not_mine_contact : &version_not_mine_owner;
  case KT_ALERT_DEVICE_REMOVED: return &device_removed;
  case KT_ALERT_ACCOUNT_KEY_CHANGED: return account_key_changed(alert);
  case KT_ALERT_UNSIGNED_SET: return contact ? &unsigned_set_contact : &unsigned_set_owner;
  case KT_ALERT_CONTACT_DEVICE_ADDED: return alert->is_note ? &contact_device_noted : &contact_device_added;
  case KT_ALERT_CODE_MISMATCH: return &code_mismatch;
  case KT_ALERT_FORK: return &fork;
  case KT_ALERT_ROLLBACK: return &rollback;
  case KT_ALERT_MONITOR_BLIND: return &monitor_blind;
  case KT_ALERT_AUDITOR_MISSING: return &auditor_missing;
  case KT_ALERT_CREDENTIAL_UNCONFIRMED: return &credential_unconfirmed;
  case KT_ALERT_TEST: return &test;
  }
  return &fork;
}
