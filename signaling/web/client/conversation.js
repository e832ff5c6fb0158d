// What people say and show each other besides sound and pictures: chat, raised hands, reactions. The server keeps hands and a part
// of the chat; reactions are gone once seen.
//
// Tells "chat" ({id, from, name, text, at, own, to, file, past, ref}: of one's own at once, with `ref` and without `id`), "chatsent" ({ref,
// id, at}: the server has it), "chatfailed" ({code, ref}), "chatretracted" ({id, by, past}), "channel" ({open}: of the chat), "hand"
// ({participant, up}) and "reaction" ({participant, reaction}).

import { Chat } from "./chat.js";
import { Hands } from "./hands.js";
import { Reactions } from "./reactions.js";

export class Conversation {
  #chat;
  #hands = new Hands();
  #reactions = new Reactions();
  #tell;
  #self;
  #participants;

  /** @param {(type: string, detail: object) => void} tell  @param {() => {id: string, name: string}} self  @param {() => Map} participants */
  constructor(tell, self, participants) {
    this.#tell = tell;
    this.#self = self;
    this.#participants = participants;
    this.#chat = new Chat(tell, self);
  }

  get chatOpen() {
    return this.#chat.open;
  }

  /** Ids of those whose hand is up, first raised first. */
  get hands() {
    return this.#hands.order;
  }

  /** Opens the channels on another peer; the caller negotiates. @param {Peer | null} peer */
  attach(peer) {
    const chat = peer?.openChannel("chat") ?? null;
    const reactions = peer?.openChannel("reactions") ?? null;
    this.#chat.attach(chat);
    this.#reactions.attach(reactions);
    for (const type of ["open", "close"]) chat?.addEventListener(type, () => this.#tell("channel", { open: this.chatOpen }));
    reactions?.addEventListener("text", ({ detail }) => {
      const participant = this.#participants().get(detail.from);
      const reaction = participant && this.#reactions.read(detail);
      if (reaction) this.#tell("reaction", { participant, reaction });
    });
  }

  /** False when the text can not be sent now. @param {{to?: string, file?: object, ref?: string}} [more]  for one person only;
   *  with a file; again, under the reference of one that failed */
  sendChat(text, more) {
    return this.#chat.send(text, more);
  }

  /** One of REACTIONS (reactions.js). */
  react(reaction) {
    if (this.#reactions.send(reaction)) this.#tell("reaction", { participant: this.#self(), reaction });
  }

  /** Whoever is not in the room now has no hand up. */
  keepHands() {
    this.#hands.keep([this.#self().id, ...this.#participants().keys()]);
  }

  /** What the server says of a participant; of those who left, nothing but their id. @param {{id: string, hand?: number}} view */
  noteHand(view) {
    const up = this.#hands.note(view);
    const participant = view.id === this.#self().id ? this.#self() : this.#participants().get(view.id);
    if (up !== undefined && participant) this.#tell("hand", { participant, up });
  }
}
