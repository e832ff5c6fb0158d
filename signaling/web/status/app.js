// The operators' page: asks the administration API every two seconds and shows the server or, after #room=…, one room of it.
// While a token is wanted it shows where to enter one.

import { chooseLanguage, t } from "../ui/i18n.js";
import { h } from "../ui/dom.js";
import { Api } from "./api.js";
import { Gate } from "./gate.js";
import { refusal } from "./refusal.js";
import { RoomView } from "./room.js";
import { ServerView } from "./server.js";

const EVERY_MS = 2000;
const SECOND_MS = 500; // rates are known from the second look on

const api = new Api();
const host = document.getElementById("app");
const problem = h("p", { class: "notice problem", role: "alert", hidden: true });
let view = null;
let timer = 0;
let looks = 0; // of this view
let turn = 0; // answers to an older view's questions are dropped

const roomOfAddress = () => new URLSearchParams(location.hash.slice(1)).get("room");

const said = (error) => refusal(error, { room: roomOfAddress(), token: api.token });

function present(next, title) {
  view = next;
  looks = 0;
  document.title = `${title} · Ciranda`;
  host.replaceChildren(h("main", { class: "status" }, next.head, problem, next.element));
}

function open() {
  turn += 1;
  const room = roomOfAddress();
  if (room) present(new RoomView(api, room), room);
  else present(new ServerView(api), t("status.title"));
  look();
}

function ask(error) {
  turn += 1;
  const enter = (token) => {
    api.token = token;
    open();
  };
  present(new Gate(api.token ? said(error) : "", enter), t("status.title"));
  view.shown();
}

/** One look after the other, none while nobody can see the page. */
async function look() {
  clearTimeout(timer);
  const mine = turn;
  try {
    if (!document.hidden) await view.refresh();
    if (mine !== turn) return;
    problem.hidden = true;
  } catch (error) {
    if (mine !== turn) return;
    if (error.wantsToken) return ask(error);
    problem.textContent = said(error);
    problem.hidden = false;
  }
  timer = setTimeout(look, looks++ ? EVERY_MS : SECOND_MS);
}

await chooseLanguage();
addEventListener("hashchange", open);
document.addEventListener("visibilitychange", () => view?.refresh && look());
open();
