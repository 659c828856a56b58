// The manual role and the manual counselor of one user, set or cleared by hand.

import { add, h } from "../dom.js";
import { guard } from "../leaving.js";
import { action, card, field, select } from "../parts.js";
import { t } from "../text.js";

const BY_UPLOAD_ONLY = "district_administrator";

// `etag` names the version that is shown, so that nobody's change is overwritten unseen.
export function editing(view, found, etag) {
  if (found.role === BY_UPLOAD_ONLY) return card(t.edit.title, h("p", {}, t.edit.byUploadOnly));
  const problems = h("div", { "aria-live": "assertive" });
  const roles = Object.entries(t.roles).filter(([role]) => role !== BY_UPLOAD_ONLY);
  const noManual = found.sis_role ? [["", t.edit.asInSis(t.roles[found.sis_role])]] : [];
  const role = select("manual_role", [...noManual, ...roles], found.manual_role ?? "");
  const counselor = h("input", {
    name: "manual_counselor_email",
    type: "email",
    maxlength: "255",
    autocomplete: "off",
    value: found.manual_counselor_email ?? "",
  });

  function changes() {
    const entered = { manual_role: role.value || null, manual_counselor_email: counselor.value.trim() || null };
    return Object.fromEntries(Object.entries(entered).filter(([name, value]) => value !== found[name]));
  }

  const save = action(
    t.edit.save,
    async () => {
      const wanted = changes();
      if (Object.keys(wanted).length) {
        await view.api.send("PATCH", `users/${view.id}`, { json: wanted, headers: { "If-Match": etag } });
      }
      guard(() => false);
      await view.refresh();
      view.announce(t.edit.saved);
    },
    problems,
    { class: "primary" },
  );
  guard(() => Object.keys(changes()).length > 0);
  const counselorHint = found.sis_counselor_email ? t.edit.sisCounselor(found.sis_counselor_email) : t.edit.counselorHint;
  const section = card(t.edit.title, h("p", {}, t.edit.lead));
  add(section, [
    field(t.edit.role, role, found.sis_role ? t.edit.roleHint : null),
    field(t.edit.counselor, counselor, counselorHint),
    problems,
    h("div", { class: "actions" }, save),
  ]);
  return section;
}
