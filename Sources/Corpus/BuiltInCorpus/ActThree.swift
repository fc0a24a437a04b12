extension BuiltInCorpus {
    /// The morning after: what the sea gave back, an arrest, an island, and a herring.
    static let actThree = #"""
        BULRUSH:
        Hold the ink steady, neighbour, and I will say over what
        we have. Item, two hogsheads of Rhenish, staved, and the
        sand gone tipsy. Item, one bolt of murrey velvet and one
        of sarsenet, very fit for mermaids. Item, nutmegs, past
        number. Item, a lute, with a crab in possession. Item, a
        brass quadrant, still pointing. Item, a wicker cage, and
        in it a popinjay that knows one word of Portuguese, which
        I have spelled as well as I could, for the curate to
        blush at.

        CRAKE:
        Set me down for the nutmegs, constable: that I was seen
        to be sorry for them.

        BULRUSH:
        What have you under your arm?

        CRAKE:
        A bolster, sir. I am a poor sleeper.

        BULRUSH:
        It is crimson damask, with a fringe!

        CRAKE:
        In anything coarser I do not close an eye.

        DAME POTTLE:
        Give over. I have found a shoe.

        BULRUSH:
        Item, a shoe. Of what quality?

        DAME POTTLE:
        It is a lad's shoe, new cobbled. See, some father sat by
        a rushlight and drove eleven hobnails into the sole of
        it, crooked, because the child was rough upon leather.

        BULRUSH:
        How shall I set it down, mistress?

        DAME POTTLE:
        You shall not set it down. I am not going to set it down.

        CRAKE:
        Here, take the bolster. There will be some that want
        their heads laid upon a thing.

        First Fisherman:
        There is one in the wrack yonder. Help me to turn him. O,
        Lord: it is Gregory the sailmaker, that stitched my
        wedding shirt out of a topsail, and would take nothing
        but a dance with the bride. Bring the velvet. Cover him.

        BULRUSH:
        But that is the Duke's velvet, by right of foreshore.

        First Fisherman:
        Then let the Duke send in his bill.

        DUKE HADRIAN:
        Who drew the curtain? Is it day? It's day!
        I have been nowhere. Thimble, I have been
        Nowhere at all, nine hours, and met with no one.
        I could eat bread. I could be civil. Look,
        There is a colour on that wall. I swear
        I never saw it. What's the name of that?

        THIMBLE:
        Yellow, master.

        DUKE HADRIAN:
        Yellow! Who would have thought of such a thing?
        Give every groom a crown, and bid my sister
        Come down and walk with me along the mole.
        Why dost thou stare? Be merry. Earn thy bread.

        THIMBLE:
        I have but one jest this morning, and the end of it is
        not come in. There was a man once bought a night's
        sleep, and never asked what it cost.

        DUKE HADRIAN:
        Well, and what did it cost him?

        THIMBLE:
        They are still counting, master. They are at it now,
        along the sand.

        LADY ISMAY:
        Sit, brother.

        DUKE HADRIAN:
        I've lain too long to sit. What, weeping, Ismay?

        LADY ISMAY:
        There was a storm. There was a ship. Sit down.
        She broke upon the Gossips before ten.
        A plank of her is on the beach. It says
        The Good Intent, of Brede.

        DUKE HADRIAN:
        Of Brede? I wrote to Brede. Who sailed in her?

        LADY ISMAY:
        This came ashore. I knew it from the cliff.
        I hemmed it for his birthday. Feel the hem.

        DUKE HADRIAN:
        It is a cloak. They make them by the score.
        It's wet. Why do you bring me a wet cloak?
        I wrote to him: I said the gate was open.
        I wrote it out myself. He would have answered.
        Where was the bell? Speak, some one. Where was she?

        CORVIN:
        My gracious lord, I shake to tell you: dumb.

        DUKE HADRIAN:
        Dumb? By that scrap of paper that I signed?

        CORVIN:
        No, sir, for that was ashes before dusk.
        I saw the cloud, I saw the gulls fly in,
        And gave your warrant to the candle's mouth,
        And sent them word to ring till they should drop.
        But wreckers have long purses. Spars and silk
        Come in on such a night; and some one bought
        That Barnaby, who had the tower in charge.
        The tongue is gone. He weeps, and tells some tale.

        DUKE HADRIAN:
        You saw it burn? You saw it out to ash?

        CORVIN:
        I held it till it bit me. See my thumb.

        DUKE HADRIAN:
        Then it was not my hand. Say that again.

        CORVIN:
        It was not yours, my lord.

        DUKE HADRIAN:
        It was not mine. O, then there's one to hate!
        I thank thee, nephew. I was naked here,
        And thou hast found me something to put on.
        There is a law. I had it cut in stone
        When she and I were young and out of breath
        With climbing up to see the bell brought in.
        'Who stills the bell, let him be still.' Go, take him.
        I'll sit on this myself; no clerk shall do it.
        Let it be Monday, on the open quay,
        Where every widow may have room to stand,
        And I will have no mercy in the town.

        LADY ISMAY:
        There's none to have. They hushed it yesternight.

        DUKE HADRIAN:
        Leave me the cloak. I would be left with that.

        LADY ISMAY:
        Stay, son. That blister on thy thumb is old.
        I dressed it Tuesday. It was sealing-wax.

        CORVIN:
        Two burns, then. I am clumsy with a flame.

        LADY ISMAY:
        I never knew thee clumsy, from the cradle.

        BULRUSH:
        Is there anybody in? I hope there is nobody in; for if
        there is nobody in I may go home.

        BARNABY:
        I am in, Master Bulrush.

        BULRUSH:
        That is a pity. Could you not be out? I could knock
        again presently and find you gone. I have done as much
        for worse men.

        BARNABY:
        I have not been gone from this tower on a working day in
        forty years.

        BULRUSH:
        Then I must take you up, Barnaby; or take you down,
        rather, it being ninety-nine stairs, and I feel every
        one of them in the knee that I do my duty with.

        First Fisherman:
        There he is! My sister's lad was aboard of that ship.
        Where was she, Barnaby? Where was the bell?

        Second Fisherman:
        What did they give thee, old man? What do they pay for
        sailors now, by the dozen or by the pound?

        WINIFRED:
        Stand off! You, Martin: in the year of frost
        When you lay drifting with a broken oar
        And ice upon your beard, who called you in?
        He rang two nights, with rags about his palms.
        You, Giles, came up these stairs upon your knees
        And kissed that rope, and wept on it. You did.
        And now you come with stones. Well, throw them straight.
        He's old, and will not dodge. He never yet
        In all his life went from the place they put him.

        First Fisherman:
        The tongue is gone, girl. It never climbed down of
        itself.

        BARNABY:
        Let be, Win. They have the right of it. If I were they,
        I would throw a stone at me. There was a paper, Martin.

        Second Fisherman:
        Then show the paper!

        BARNABY:
        I had it, and I have it not.

        BULRUSH:
        Neighbours, put up your stones, I entreat you. He is the
        Duke's prisoner and I am his only guard, and a stone is
        a poor judge of which is which.

        WINIFRED:
        He had a paper, and it had a seal.
        Three fishes and a star: I know that wax.
        There is one ring in Orsany that cuts it,
        And on the hand that wears it hangs his life.
        They say the Prince was in her. They say Ambrose.
        No. Not that thought. I cannot lift it yet.
        Stand in the corner there, and wait for me.
        There are three days. I'll work, and after, weep.
        If there's one rag of paper in this town
        With writing on it, I will have it out,
        Though I should turn the gutters like a sleeve.

        NOAKES:
        Wake, my lord. You are alive, and I have lost a wager by
        it.

        AMBROSE:
        What place is this?

        NOAKES:
        An island, if a man be not particular. It has ten
        thousand gannets, one goat, and us. The goat is
        governor. He came down at sunrise to read us the laws.

        AMBROSE:
        How many of us?

        NOAKES:
        Nine, sir.

        AMBROSE:
        Nine. We were thirty; and the lamps so near
        I could have hailed the man who trimmed the wick.
        I know it now, Noakes. I have pieced it out.
        He had my letter. 'Ring me in,' I wrote,
        And this was how he rang. 'The gate is open':
        O, true. They leave one open in a trap.

        NOAKES:
        I have sailed with villains of every nation, my lord, and
        I never knew one would drown thirty to be rid of one. It
        is not thrift. He might have barred the door.

        AMBROSE:
        You did not hear the last thing that he said.

        NOAKES:
        I did not. What did you say in answer to it?

        AMBROSE:
        I? Nothing. I had come down off the hill
        Too late, and she was lying there, so small,
        And all that I could think of was my hat.
        I had it in my hand. I could not tell
        What people did with hats in such a room.
        I turned it, and I turned it. Had I wept,
        Had I said 'Father,' even! 'Go,' he said,
        And I went out. I had not set it down.

        NOAKES:
        Then by my reckoning there were two in that room with a
        word to say, and neither said it. That is no quarrel,
        sir. That is two men waiting for each other at different
        doors.

        AMBROSE:
        What is it you are nailing to that plank?

        NOAKES:
        Another plank, my lord. She will be a boat or she will
        be a coffin; I have not asked her which. The governor
        has lent us the door of his house. With a week's
        caulking she will carry two of us, and wet them.

        AMBROSE:
        Then you and I. I'll ask him to his face,
        And he shall tell me yes or tell me no.
        And there's another face I'd look on first,
        That used to have bell-grease along the cheek,
        And would say 'sir' so that it sounded 'fool.'
        Give me the hammer. Let us build this week.

        CRAKE:
        My father stole a weathercock
        And swore the wind had blown it;
        My mother stole the parson's smock,
        And he was shy to own it;
        And I, that am an honest lad,
        Have laid my hand to never
        A thing but what another had,
        And watched it none too clever.
        Ten crowns in hand! He bade me sink the tongue beyond
        the mole; but iron is iron, and it went against my
        conscience to drown a thing that could be sold. It lies
        in the cellar of the Mermaid's Elbow, in a sack, upon a
        cheese. The hostess asked no more about it than the
        cheese did. And on Saturday, my lord, we shall talk of
        paper.

        DAME POTTLE:
        Stand, thou barrel-scraping! Thou tide-mark! Thou flea in
        the ear of honest trade!

        CRAKE:
        Sweet Pottle, what have I done?

        DAME POTTLE:
        Thou hast done Thursday's herring!

        CRAKE:
        I was at home on Thursday with a cold. Do not roar so,
        thou bellows in a shawl, thou churn of vinegar.

        DAME POTTLE:
        Candle-end! Cat's breakfast!

        CRAKE:
        Thou weather!

        DAME POTTLE:
        Turn down thy stocking.

        CRAKE:
        What, in the street, and the evenings so sharp?

        DAME POTTLE:
        Hold still, or I will have the leg off with it. Ha! Here
        he is, poor soul, and wrapped for burial.

        CRAKE:
        Have the fish, good gossip, have the fish with my
        blessing; only leave me the paper. It is a keepsake. It
        is a letter of my mother's.

        DAME POTTLE:
        Thy mother could not write.

        CRAKE:
        No more she could. It is from her I had my gift of not
        reading.

        DAME POTTLE:
        So hot for a greasy paper? Then it shall bear the herring
        company to the Duke. He sits on Monday to try old
        Barnaby, and he shall try thee for the second course.

        CRAKE:
        I am a dead man. It has a seal to it, and I have a neck.
        """#
}
