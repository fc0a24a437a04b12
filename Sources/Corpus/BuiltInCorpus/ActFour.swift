extension BuiltInCorpus {
    /// The trial upon the quay.
    static let actFour = #"""
        DUKE HADRIAN:
        Set the chair here, and turn it from the tower.
        I will not look at that. Is all the town come?

        THIMBLE:
        All, master, but the one you would give the rest for.

        DUKE HADRIAN:
        Bring in the prisoner. Let him have a stool.
        The law is old as well. Now read the charge.

        CORVIN:
        That Barnaby, these forty years the ringer,
        By some false hand corrupted, took the tongue
        From Clemence in the tower, on Thursday night,
        When any child could tell that storm was near,
        Whereby the Good Intent was cast away,
        And in her Ambrose, Prince of Orsany,
        And nine and twenty more. The door has read it.

        DUKE HADRIAN:
        How dost thou plead? Look up, man. How dost plead?

        BARNABY:
        I do not know the word for it, my lord. I took her tongue
        down. I was bid, and I did as I was bid, as I have done
        these forty years; and if that is guilty, I am guilty;
        and if that is not guilty I am guilty yet, for I put my
        head out at the louvre and saw the sky, and knew.

        DUKE HADRIAN:
        Who was it bade thee?

        BARNABY:
        There was a paper, and the seal upon it.

        CORVIN:
        Which he, who makes an X, could never read,
        And cannot find, and no one else has seen.

        DUKE HADRIAN:
        Call up the watch. What had the watch to say?

        BULRUSH:
        May it please your grace, I was upon my beat that night,
        which goes from the kitchen to the bed, and I observed
        nothing, and I have it here in writing.

        CORVIN:
        But heard you not the bell was silent, sir?

        BULRUSH:
        I heard it most distinctly, my lord. I said to my wife,
        'There is the bell, not ringing.' 'Then,' says she, 'it
        is not nine yet.' Now my watch begins at nine; and it
        not being nine then, nor having struck nine since, I
        have been off my duty from Thursday until now, and am
        not to be blamed for anything.

        THIMBLE:
        Make him a judge, master. He has found the way to be
        late for his own fault.

        WINIFRED:
        My lord, I'll speak for him, if I have leave.
        I am his daughter. What I have of words
        I had of one who would have heard me through.

        DUKE HADRIAN:
        I know thee, Winifred. Say what thou wilt;
        But do not sue for mercy. I have none.

        WINIFRED:
        I have not asked it yet. I ask for law.
        The law is short, my lord. Is it so short
        It cannot reach above a ringer's head?
        Suppose he did it who can read and write?

        DUKE HADRIAN:
        It is the same.

        WINIFRED:
        Suppose the man were rich?

        DUKE HADRIAN:
        Then let him buy a better rope to hang by.

        WINIFRED:
        Suppose he never climbed the stair at all,
        But in some quiet room, among his friends,
        Let fall a word, or set it down, and signed,
        And so went in to supper?

        DUKE HADRIAN:
        He that commands it does it at arm's length.
        His arm is only longer. He shall die.

        WINIFRED:
        And were he of your blood?

        DUKE HADRIAN:
        I had some blood. It's in the sea. Go on.

        WINIFRED:
        Then will you swear to that upon her name?

        DUKE HADRIAN:
        By Clemence, for whose sake the law was made:
        From him that sweeps the quay to him that rules it,
        Who stilled the bell shall pay. I've sworn it. Speak.

        WINIFRED:
        Then hear what any herring-boy can tell you.
        My father does not read; he reads a seal.
        You have no subject but can read so much:
        It's on our bread, our salt, it's on our gallows.
        Three fishes and a star. That night he saw it,
        In scarlet wax, still warm. There is one ring
        In all this land that has those fishes on it.
        My lord, it is not on my father's hand.

        ALL:
        The Duke! The Duke! She says it was the Duke!

        CORVIN:
        This is rank treason, that has washed its face
        In tears, to pass for sorrow. Where's the paper?
        What no man can bring forth was never there.
        Give sentence, sir, and let the people home.

        DUKE HADRIAN:
        There was a thing... My lord, you saw it burn?

        CORVIN:
        To ash, my lord, and saw the ash blow out.

        WINIFRED:
        He asks you if it burned. Then there was one.

        DUKE HADRIAN:
        There was. It has no bearing. It was burned.

        DAME POTTLE:
        Room there! Stand by! Make way there for a herring!
        Justice, my lord!

        BULRUSH:
        Softly, mistress. The court is busy with a hanging.

        DAME POTTLE:
        Then let it make a morning of it, and hang two. I have
        here one thief, by the ear, and one herring, by the tail.

        CORVIN:
        Remove the woman.

        DAME POTTLE:
        Remove me? I have stood in the sun since six with a
        herring of five days, and I will be heard, if it be only
        down the wind. This fish was taken off the person of
        Tobit Crake, out of the left leg of him, my lord,
        wrapped as you see.

        THIMBLE:
        Let me look at his linen, mistress. Why, here is a fish
        of family! He lies in state, under the great seal.

        WINIFRED:
        Three fishes and a star!

        THIMBLE:
        Four fishes, with the deceased.

        CORVIN:
        Give me that filth. It's forged. Give me the thing!

        LADY ISMAY:
        Stand back, my son. It's written to be read.
        Here, brother. You know best what hand this is.

        DUKE HADRIAN:
        'For this one night,' and then a gap, and then,
        'Let Clemence hold her tongue until the day.'
        It is my hand. O God, it is my hand.
        It was not burned. But there was more; I wrote
        Some other words, here, in this empty place,
        And they were what I built my sleep upon.
        Is there no man will swear that I wrote more?

        LADY ISMAY:
        I heard you say them over as you wrote.

        WINIFRED:
        Stay. Do not fold it. Hold it to the sun.
        The fish has made a window of the page.
        Where some one scraped, the sheet is thin and clear,
        But where the pen bit deep the furrows stay:
        They come, like stars when one has looked a while.
        There is an 'and.' There is an 'if.' My lord?

        DUKE HADRIAN:
        'And if the night be fair.' She spells it out.
        'For this one night, and if the night be fair.'

        DAME POTTLE:
        I always said he was an honest fish.

        WINIFRED:
        Who gave you this? Speak, Crake. You wear no bruise
        That I'd not better, if you lie to me.

        CRAKE:
        My lord, I am a poor man with a hospitable hand. Yonder
        gentleman gave me ten crowns to carry that up, and
        promised me ten more to drown what I carried down; and
        seeing I was never paid the second ten, I consider I owe
        him no more than the half of my silence, and that half
        I have kept till now.

        CORVIN:
        A thief, a fishwife and a fool! My lord,
        Are these your peers? Am I to answer these?
        I lost the sheet; I said I burned it. Well?
        I was ashamed. Some other scraped it after.

        LADY ISMAY:
        When thou wert six, and spoiled a line, and feared
        Thy master's rod, I showed thee what to do:
        To lay the little blade down flat, and sweep it
        From left to right, where other boys go back,
        Because thy left hand was the one that served.
        Look how the nap is turned upon that page.
        And look upon thy thumb. I dressed it, Corvin,
        Two days before the night it says it burned.
        I bore thee, child. I cannot bear thee out.
        I have no other son. Tell them the truth.

        CORVIN:
        Why, then, the truth. I scraped away six words.
        Six words! He wrote the rest. The hand's his own.
        He longed for quiet, and I got him quiet.
        Three years I was what son he had: I carved,
        I cast accounts, I warmed his very slippers,
        And he would lift his eyes up when I entered,
        And see it was not Ambrose, and look down.
        You never hated me. I could have dined
        On hatred. I was air, I was the draught
        That came in with the candles. Judge me, uncle;
        But 'him that rules it' was the oath you swore.
        Go first. I've held the door for you so long.

        First Fisherman:
        He's over the wall! He has cut loose the skiff!

        BULRUSH:
        Stop him, some one! I would stop him myself, but I am
        guarding the stool.

        Second Fisherman:
        Let him row. Look seaward. There's a fog coming in as
        thick as fleece, and the ebb making, and never a bell.
        He'll have leisure out there to learn what listening is.

        LADY ISMAY:
        Go after him! Will no one go? He's mine.

        First Fisherman:
        Giles and I will go, madam, as far as a man can see. It
        is not far.

        DUKE HADRIAN:
        Let all the rest keep still. He told the truth.
        Six words he scraped away; but I wrote twelve.
        I could not sleep, and so I put her out
        As one would pinch a candle, for my ease.
        'If it be fair.' When was it ever fair?
        There's always some one out in it. I knew.
        She knew, and gave the spoons from off the table.
        Old man, stand up. No, do not look at me.
        Take off his irons. He did what I bade,
        And saw the sky, and has not slept for grief.
        I did not see the sky. I did sleep. Thimble,
        When I awoke that day, what did I ask?

        THIMBLE:
        You asked the name of yellow, master.

        DUKE HADRIAN:
        I asked the name of yellow. They were then
        Some eight hours drowned. I gave the grooms a crown.
        Now hear the sentence. It is sworn already;
        I have no more to do than hold my neck still.
        I said there'd be no mercy in the town.
        I'd seen to that before. Go, fetch the rope.

        ALL:
        No, no! God save your grace! Not so, my lord!

        WINIFRED:
        Quiet, good people. I have most to pardon.
        I loved your son. You may as well know that.
        I loved him from the day he ate our cheese.
        These three nights long I prayed that you might wake,
        And know; and you have woken, and I see it,
        And find I have no pleasure in the sight.
        She wrote upon the bell, 'I call them home,
        And call till they are come.' She did not write
        'Till nine o'clock.' She did not write, 'the good.'
        I've sat beneath those words, and I have wished
        That she had written something easier.
        A man hanged by the neck calls no one home.
        There is another rope. It wants two hands.
        My father's are worn out, and mine are torn.
        The law says, 'still.' Be still, then: leave the chair,
        The ring, the council, and the trumpeter,
        And go up ninety-nine cold stairs, and serve.
        Let no man call you lord. Be ringer there,
        In fog and foul, until you die of it.
        Who stilled the bell, let him be still, and ring.

        DUKE HADRIAN:
        It is more weight than hanging. I accept it.
        Ismay, put out your hand, and take the ring.

        LADY ISMAY:
        I'll hold it as one holds a stranger's child,
        Until its own shall come.

        DUKE HADRIAN:
        Neighbours, good day. I do not ask your pardon.
        I do not know the way of asking yet.
        Thimble, thou'rt free. I have no wage to give.

        THIMBLE:
        A fool is never free, master, but I have always been
        cheap. Ninety-nine stairs in the dark! You'll need some
        light thing to go before you. I'll carry the lantern.
        """#
}
