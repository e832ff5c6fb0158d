// Comes before all else and needs nothing: when a part of the page does not arrive (the network changes while it is loading), it
// waits until the server answers and loads the page again. Where this very file is missing, the page shows a link after a while.

"use strict";

(() => {
  const WAIT_MS = 1_000; // between two questions to the server
  const MOST = 5; // in a row: what fails every time is no fault of the network
  const KEY = "ciranda.reloads";

  async function again() {
    stop();
    let count;
    try {
      count = Number(sessionStorage.getItem(KEY));
      sessionStorage.setItem(KEY, count + 1);
    } catch {
      return; // without storage nobody would count
    }
    if (count >= MOST) return;
    const answers = () => fetch("", { method: "HEAD", cache: "no-store" }).then(({ status }) => status < 500, () => false);
    while (!(await answers())) await new Promise((done) => setTimeout(done, WAIT_MS));
    location.reload();
  }

  /** Scripts with all that they import, and style sheets. */
  function note({ target }) {
    if (target.localName === "script" || target.rel === "stylesheet") again();
  }

  function loaded() {
    stop();
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // there is nothing to forget
    }
  }

  function stop() {
    removeEventListener("error", note, true);
    removeEventListener("load", loaded);
  }

  addEventListener("error", note, true);
  addEventListener("load", loaded);
})();
