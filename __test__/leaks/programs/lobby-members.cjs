"use strict";
var __awaiter = (this && this.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.load = void 0;
class Member {
    constructor(name, lobby) {
        this.name = name;
        this.lobby = lobby;
        this.messages = [];
        this.keys = { read: `r-${name}`, write: `w-${name}` };
    }
    leave() {
        // Moderators stay on the list until they hand over.
        if (!this.moderator)
            this.lobby.members.delete(this);
    }
}
class Lobby {
    constructor() {
        this.members = new Set();
    }
    join(name, moderator) {
        const member = new Member(name, this);
        member.moderator = moderator;
        this.members.add(member);
        return member;
    }
}
const lobby = new Lobby();
const visit = (n) => __awaiter(void 0, void 0, void 0, function* () {
    const member = lobby.join(`member ${n}`, n % 3 === 0);
    yield Promise.resolve();
    member.messages.push({ n, text: "hello" }, { n, text: "bye" });
    member.leave();
});
const load = (count) => __awaiter(void 0, void 0, void 0, function* () {
    for (let n = 0; n < count; n++)
        yield visit(n);
});
exports.load = load;
