extension BuiltInCorpus {
    /// The fog, the tongue brought home, and the second storm.
    static let actFive = #"""
        CORVIN:
        Which way? A dozen strokes, and then I listen.
        I had the steeple square behind my shoulder,
        And then a clot of vapour, white as curd,
        Slid in between us, and it took the oars,
        It took my knees, my cuffs. I am a throat.
        Hallo! Which way's the land? They're drubbing kettles.
        That's east. No, north. It hems me all about
        As slander does, and has no one to strike at.
        Well, that's exact. I never, man or boy,
        Spoke any syllable that had a place;
        I was a murmur at the elbow, always,
        A breath that might have been another man's,
        And now the universe has learned my manner.
        I'll reckon it. The ebb, two knots; the skiff
        Draws seven inches; wind, a spoonful, south;
        But in what column does one enter nothing?
        Hush. That's a sound like women in a kitchen
        All laughing late. I knew a kitchen once.
        I'd start from some bad dream, and shriek, and hear
        The pendulum, and shriek, and see the gold
        Of firelight lie along beneath the door,
        And no one came. I left off. I was praised.
        They're nearer now. They clap. Is that you, mother?
        One stroke! I'd pay three fishes and a star,
        The moorings and the salt-tax, for one stroke!
        Ring, some one! It was only for a night.

        BULRUSH:
        Is this the cellar? I am informed it has a tongue in it.

        CRAKE:
        There, under the cloth, master constable. I lead you to
        it of my own free will, as anybody can see by the cord.

        DAME POTTLE:
        My sister says she never pressed such a cheese. When the
        tide turns, it hums.

        BULRUSH:
        Then the cheese is a witness, and must come along with
        us. I will take charge of it. Has any man a biscuit?

        DAME POTTLE:
        What is done to this rogue? I looked to see him hanged
        with my own eyes, and brought my knitting.

        CRAKE:
        Worse, mistress, worse. I am to carry this iron up the
        stair on my own back, and there to grease the gudgeon
        every night for twenty years, at fourpence. It is honest
        labour. My poor father will turn in whatever he is
        buried in.

        First Fisherman:
        Leave laughing, friends. They have found the skiff.

        DAME POTTLE:
        Where?

        First Fisherman:
        Upon the Gossips, keel to the sky, and he was under her,
        with his cuff caught in the rowlock. He had been rowing
        in a ring. We heard him all that night in the fog, first
        east, and then south, and then it might be anywhere,
        calling out, 'Which way is the land?'

        Second Fisherman:
        We answered. I'll say that for us. We beat upon pans
        till the bottoms were out of them. But a pan has no
        place in it. It is not here or there, like a bell.

        CRAKE:
        He owed me ten crowns, and I'd have given ten to hear
        him stop. And then he did stop, and I'd have given
        twenty. Come, put the strap about me. Lift.

        ALL:
        Up with the iron and up with the tongue,
        Heave, for the stair is steep;
        Never a bell in the world was rung
        By a fellow that lay asleep.
        One for the man at the end of an oar,
        Heave, for the stair is long;
        Two for the woman that waits on the shore,
        And three for the end of the song.

        BARNABY:
        No, my lord, no. You pull as though she owed you rent.

        DUKE HADRIAN:
        How should I pull?

        BARNABY:
        You do not pull. You ask; and then you bide; and when
        she has swung as far as she has a mind to, then you ask
        again. Any man can begin a bell, my lord. The craft is
        in the letting go.

        DUKE HADRIAN:
        I have not had much practice in that craft.
        And do not call me lord. It is forbidden.

        BARNABY:
        I'll try, my lord. Show me your hands. Ay. Well, that
        skin was the Duke's, and it will all come off. The next
        will be your own.

        LADY ISMAY:
        I've climbed your stair. They told me of the ninth,
        And yet I tripped. We buried him at noon.

        DUKE HADRIAN:
        I heard. I tolled for him. Was it well done?

        LADY ISMAY:
        It stumbled; but it did not stop. I thank you.

        DUKE HADRIAN:
        I leaned on him three years, and never looked
        To see what it might be that bore my weight.
        He said I looked straight through him. It was so.
        I was not cruel, Ismay. I was elsewhere.

        LADY ISMAY:
        He was a child that could not bear the dark.
        He'd call, and call. The nurse, a careful soul,
        Said, 'Leave him, madam, for it makes them bold.'
        I lay and listened till he learned to stop.
        I have been hearing that, these several nights.
        So, brother, there are two of us up here.

        DUKE HADRIAN:
        What can I say to you?

        LADY ISMAY:
        I'll say it. I forgive you. There: it's said.
        I thought the word was longer. It goes by
        As lightly as a moth goes past a lamp.

        DUKE HADRIAN:
        Say it again, that I may learn the shape.

        LADY ISMAY:
        Forgive. You see: the lip is bitten once,
        And then it opens.

        DUKE HADRIAN:
        The one I'd give it to has gone too far.
        Still, I will practise. Look there to the south.
        The swallows have come down. Is that a cloud?

        BARNABY:
        It's the father of the other one, my lord. It will be on
        us by dusk.

        DUKE HADRIAN:
        Then see her home, good Thimble, and come back.
        And bring two lanterns. Barnaby, the rope.

        NOAKES:
        We have shipped more sea, my lord, than we have left
        outside. I said a week's caulking. I should have said
        ten days, and no goat.

        AMBROSE:
        The evening was so mild when we put out.

        NOAKES:
        They are all mild when you put out. That is how the sea
        keeps in company. Bail, sir, bail!

        AMBROSE:
        No star, no lamp. I cannot see my hand.
        If he would drown me twice, he has good weather.
        What do you hear?

        NOAKES:
        I hear wind, my lord; and behind the wind...

        AMBROSE:
        More wind. You told me so the other time.

        NOAKES:
        Behind the wind, my lord, there is a bell. O, you
        beauty! O, you brazen darling! Hark at her!

        AMBROSE:
        It's Clemence! To the left there. Hold her so.
        But that is never Barnaby. His hand
        Went round as even as a baker's, kneading.
        This one comes late, and staggers, and comes on,
        Like one who runs that was not bred to run,
        And has his hand held hard against his side,
        And will not stop. Who is it? Bail, man, bail.
        It does not say the hour. It says one thing,
        And waits, and says one thing, and waits for me.

        WINIFRED:
        Give up the rope. You have not stopped since dusk.

        DUKE HADRIAN:
        What hour is it?

        THIMBLE:
        Four, master, and a new one. I never saw it worn before.

        DUKE HADRIAN:
        Is there a light?

        WINIFRED:
        No light, sir, anywhere. There's no one out.

        DUKE HADRIAN:
        There's always some one out in it. Stand clear.

        BARNABY:
        He has it now. Do you mark, Win? He has left off pulling.
        He asks. I was eleven years in learning that.

        WINIFRED:
        Your face is like the wall. Sit down. You're ill.

        DUKE HADRIAN:
        There is another ringer in my side
        Who pulls against me. We shall find the time.

        WINIFRED:
        You'll die of it!

        DUKE HADRIAN:
        That was the sentence. It was fairly passed.

        WINIFRED:
        I spoke it in my anger. I unsay it.

        DUKE HADRIAN:
        Nay, leave it me. I had it as a gift,
        And there was never one that fitted better.
        Come near; I'll tell thee something, while she swings.
        There was a word I could not say to him.
        I find that it goes well upon a rope.
        The downward stroke, with all the weight, 'forgive';
        And where she turns there comes, so small, a 'me.'
        I've said it to him seven hours by now.
        They tell us drowned men hear through all that water
        As we hear through a wall. It's worth the pains.

        WINIFRED:
        Father, look there! Below the second Gossip!
        I saw it; it went under; there, again!
        A rag of sail. A boat no more than this,
        And two men in it, bailing with their hats.

        DUKE HADRIAN:
        Tell me no more, or I shall lose the stroke.
        Who are they?

        BARNABY:
        Nobody, my lord. Two men.

        DUKE HADRIAN:
        Two men. That's many. Then I'll ring for two.

        WINIFRED:
        They hear! He points! They're turning to the sound.
        More to the left! O, ring! They're in the race.
        They're broadside on. I cannot look. Look, Thimble!

        THIMBLE:
        They are up. They are down. They are up, and on this
        side of it. Mistress, I have told lies for my bread
        these thirty years, and I never wanted so to be believed.
        They are over the bar.

        WINIFRED:
        And all the east is grey. Now, sir, leave off.
        They're home. They're in. Martin has got their rope.

        DUKE HADRIAN:
        Are there no more behind them? Look again.

        BARNABY:
        No more, my lord. They are all come that were out.

        DUKE HADRIAN:
        Then set me on the floor against the wall.
        And let her swing herself to sleep. How still...
        Who's that upon the stair? He missed the ninth.

        AMBROSE:
        Where is he? Where's the man? I'll kiss his hands.
        A score of times the sea had shut its door,
        And that bell put its foot in, and we lived.
        Where's Barnaby? Who was it rang? Who rang?

        WINIFRED:
        O Ambrose. O my dear. Speak low. It's he.

        AMBROSE:
        Winifred! You? Who's he? Whose hands are those?

        DUKE HADRIAN:
        Some one is there. The light is at his back.
        Stand not so far off. Friend, what is thy name?
        I bade a boy once never let me hear it.
        I'm hard of hearing now. Come, let me hear it.

        AMBROSE:
        Ambrose, sir.

        DUKE HADRIAN:
        Again.

        AMBROSE:
        Ambrose. Your Ambrose, father. I am home.

        DUKE HADRIAN:
        He's cold. He's wet. It is a real wet sleeve.
        I stopped the bell. They'll tell thee. It was I.
        I did not know that it was thou. But hear me:
        It should not need to be one's own. It's some one's.

        AMBROSE:
        I thought you did it purposely. I nursed
        That thought, and kept it dry, and rowed it here
        To fling it down before you. It is gone.
        And, sir, that day I came too late, and stood:
        I did not know where I should put my hat.
        That's all it was. I could have wept for hours
        Had there been but a peg.

        DUKE HADRIAN:
        A peg! O Clemence, hear him. Three long years
        For want of that. There was a word, my son...

        AMBROSE:
        I had it, sir. I had it in the dark.
        It came across the water all night long,
        Now loud, now lost, and always the one word,
        And I said it again at every stroke.
        I think we said it to each other, father.

        DUKE HADRIAN:
        Then it is said. How many of you live?

        AMBROSE:
        Nine, sir. The rest are waiting on a rock.

        DUKE HADRIAN:
        So one and twenty still are owed that word.
        I'll seek them out. I shall set forth directly.
        Give Winifred thy hand. That's well, that's well:
        It has bell-grease on it; it will not slip.
        What is that on the wall, there, where the sun is?

        THIMBLE:
        It is the old colour, master.

        DUKE HADRIAN:
        Yellow. I know it now. What, is it morning?
        I think that I could sleep. No, let her ring.
        I would not have her hushed on my account.
        The hour is due. I shall sleep well through that.

        THIMBLE:
        So. He is nowhere at all, and has met with no one; or he
        has met with some one, and it is we that are nowhere. I
        had a jest once, and the end of it was not come in. It is
        come in now, dripping. Good night, master.

        BARNABY:
        Shall I toll for him, my lord? I beg pardon: it is you
        that are my lord now.

        AMBROSE:
        Let no one toll for him. He rang his own,
        Nine hours of it, and every stroke came home.
        Lay him by her, there underneath the tower,
        And on the stone put neither rank nor year.
        Put 'Ringer' there; and under it cut this:
        'The gate is open.' Any one may read it.

        LADY ISMAY:
        I came to bring him bread. I see he's dined.
        Here, nephew, is your ring. I kept it warm.
        It was a stranger's child. It has your eyes.

        AMBROSE:
        Wear it till noon for me. I am not dry.
        Who rules a coast should first have been cast on it
        And cried to it by night. I shall remember.

        NOAKES:
        By your leave, my lord: there are seven of us yet upon
        that rock, under a goat.

        First Fisherman:
        Seven! Is there a lad amongst them, Jack by name, with a
        red head to him?

        NOAKES:
        There is a Jack so red that the gannets sit about him to
        be warm.

        First Fisherman:
        It is my sister's boy! I'll have a boat out on this tide.
        Ring us across the bar, Win; and when we are over, ring.

        WINIFRED:
        Now, father, hold the lamp up. Give me room.
        It wants a breath of six. Give me the rope.
        It's warm yet where he held it. There's a boat,
        There's always one, too far for us to see,
        And some one in it, with his mouth all salt,
        Who takes us, being silent, for the sea.
        She's slow to start. I'll ask, and then I'll bide.
        Speak, Clemence. There are some not yet come in.
        The one you kept awake is satisfied.
        He sleeps. The day is fair. Old friend, begin.
        """#
}
