extension BuiltInCorpus {
    /// The warrant carried up the tower, the Duke's sleep, and the storm.
    static let actTwo = #"""
        CORVIN:
        Thou art that Crake, I think, who deals in sundries.

        CRAKE:
        I deal in nothing, my lord, but what comes to my hand.

        CORVIN:
        And does much come to it?

        CRAKE:
        It is a very hospitable hand.

        CORVIN:
        Couldst thou unship the tongue out of a bell?

        CRAKE:
        I could unship the tongue out of a lawyer, and leave him
        pleading. But that bell, no. There is a verse over the
        door of it that scans too near my neck.

        CORVIN:
        Look here: the Duke's own hand, the Duke's own seal.

        CRAKE:
        I can read no hand, sir, but what has money in it.

        CORVIN:
        This hand has ten; and ten again to follow
        When what comes down is sunk past finding. Well?

        CRAKE:
        Now there is a style a child might construe. Yet see,
        the paper is worn so fine in the midst, a man might
        read the weather through it.

        CORVIN:
        A blot was there. I took it off. No matter.
        Show it to Barnaby: he'll groan, and do it;
        He is so used to bow, he'd bow to wax.
        But bring me back that paper. If it stray
        A yard, an hour, from thee, I'll have thee hanged
        For stealing it. Now go. The wind is up.

        CRAKE:
        A lord that wants a paper so hot on Thursday will want
        it hotter on Saturday, and at the week's end I may name
        my price. I shall tell him it blew off the tower. Wind,
        thou art an honest witness: thou wilt swear to anything.

        BARNABY:
        Who is it on the stair?

        CRAKE:
        A friend, Master Barnaby, with a love-letter from the
        castle. Feel the wax of it.

        BARNABY:
        Three fishes and a star. I know that seal; it is on the
        bread-law and the salt-law and the gallows. What would
        it have with me?

        CRAKE:
        It would have your bell keep holiday. She is to be
        tongue-tied until morning, and I am sent to help you
        with the knot.

        BARNABY:
        To-night? Put thy head out at that louvre, man! The
        whole south is the colour of a bruise.

        CRAKE:
        I am no painter. The paper says to-night.

        BARNABY:
        It cannot say so. I had two brothers went down on the
        Gossips before ever there was a bell. I heard them. It
        was so near that I could tell which was which.

        CRAKE:
        Then do you step across to the castle, and tell the
        Duke that he mistakes his own mind, and I will hold your
        hat while they hang you.

        BARNABY:
        Forty years I have done as I was bid. I am not a man who
        would know how to begin upon the other thing. Well, give
        me the paper. I'll keep it in my breast. If any ask me,
        I would have somewhat to hold.

        CRAKE:
        Keep it, and welcome. Now, your shoulder here. Lord,
        what a tongue! I buried a wife with such another, and
        it took six men.

        BARNABY:
        Softly with her. Softly. So. O, look up into her now.
        She is like a woman that has been told news.

        CRAKE:
        Good night, old man, and good rest. The paper is in his
        bosom; nay, the paper was in his bosom, and is in my
        hose, along with supper. I cannot help it. My fingers
        are subject to fits, and fall into people.

        DUKE HADRIAN:
        Is it gone nine?

        THIMBLE:
        It has gone somewhere, master, for it never came here.

        DUKE HADRIAN:
        No stroke. How wide it is. The air is like
        A field that snow has fallen on. I feel
        The poppy take me gently by the heels.
        What's that? The wind?

        THIMBLE:
        A small wind, master. It is trying on the chimneys.

        DUKE HADRIAN:
        Corvin will see to that. He gave his word.
        Sing to me, Thimble: something without sense.

        THIMBLE:
        Hush, says the sand to the foot of the sea,
        Hush, says the sea to the stone;
        Nobody's calling for you or for me,
        And the boats have gone home alone.
        Down goes the candle and out comes the mouse,
        And the wind has a word to say,
        But there's nobody up in the whole of the house
        To send it about its way.
        Hush, says the dark to the crack of the door,
        Hush, says the door to the pin;
        There's somebody walking about on the shore,
        And nobody lets him in.

        DUKE HADRIAN:
        Nobody. Good. I never knew him. Good.

        THIMBLE:
        He sleeps, and smiles in it. I have not seen that smile
        since there were two in the bed. I would give my cap
        and both the bells upon it to be glad; but two bells
        are all the town has left to-night, and they are on a
        fool. Small wind, did I say? There goes a chimney.

        NOAKES:
        Hand that sail, hand it, or it will hand us! My lord,
        get you below. You are the dearest thing we carry, and
        it were a shame to have you wet before you are drowned.

        AMBROSE:
        I know this water, Noakes. Somewhere ahead
        The Gossips sit, and suck the tide, and wait.
        Stop, all of you: your oaths, your prayers, your breath.
        Stop everything, and listen for the bell.

        NOAKES:
        I hear wind, my lord. And then behind that, if I hearken
        very close, I hear more wind.

        AMBROSE:
        She'll speak. She never failed. I've lain in bed
        And heard her walking up and down the storm
        As nurses walk between the cots, and thought,
        'There's one at sea to-night lifts up his head.'
        Now it is we. Lift up your heads, my hearts!
        My father asked me home. In all his life
        He never asked me anything before.
        He'll have them ring as if the tower would fall.

        NOAKES:
        Then they have rung it down already, sir, for there is
        not a murmur.

        AMBROSE:
        Why, then take comfort: we are farther out
        Than we had reckoned. If the bar were near
        We must have heard her. Silence is sea-room.
        Hold on to northward, then, and let her run.

        NOAKES:
        Breakers! Breakers beneath the lee! Down helm! O Lord,
        it is the three old women, with their aprons spread!

        AMBROSE:
        She's struck. The mast is going. Cut it free!
        Each man a spar, and God to every man!
        I see the lamps along the castle wall,
        I see the very tower. O mother, mother,
        So near as this to home, and not one word?

        WINIFRED:
        Father, the bell! There's lights among the Gossips!
        I ran from Gannet Head. I fell, and ran.
        Why do you sit? Why is the rope made fast?
        There is a ship. I saw her lantern climb
        Half up the sky, and drop into a pit.
        She takes the dark for sea-room! Father, ring!

        BARNABY:
        She's dumb, Win. They have had her tongue. There was a
        paper for it.

        WINIFRED:
        A paper? And who signed it? Let me read.

        BARNABY:
        It had the seal. I have it safe, here in my breast. It
        was here. I had it here.

        WINIFRED:
        Then reach me down the sledge. The sledge, I say!
        If she has lost her tongue she shall have mine,
        My arms, my back. Now, Clemence! Speak! Again!
        O, I am like a child that beats his hands
        Upon a city gate. Speak out! The haft
        Has broken. Where's the bar? Give me the bar.
        Madam, you taught me letters: teach me this.
        How thin it is! The wind leans down and eats it.

        BARNABY:
        Come away. Thy hands, Win. Look at thy poor hands.

        WINIFRED:
        There were three lights. I looked, and there were two.
        I struck, and looked again, and there was one.

        BARNABY:
        It may be she has gone behind the point.

        WINIFRED:
        Put out the lamp. There's nothing now to see.
        I never knew how loud a dark could be.
        Somewhere in Orsany there is a man
        Who stopped her mouth, and then went home to bed.
        He has a roof. He has a wall between.
        He hears the rain, and draws the blanket close.
        O, may he wake! I'll ask no more than that
        Of any saint who has an ear to-night.
        Let him who did this thing wake up, and know.
        """#
}
